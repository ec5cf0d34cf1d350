#!/usr/bin/env bash
# Conversion among the 110 speakers of VCTK 0.92 (Yamagishi, Veaux and MacDonald 2019, doi:10.7488/ds/2645, CC BY 4.0).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
task=conversion
corpus=vctk
conf=$here/../mixed/conf/tiny
defaults=(align.train.steps=8000 convert.picture=40000 convert.critics.start=60000 convert.train.steps=120000)  # 30 times the sound
data=VCTK-Corpus-0.92
data_help="VCTK-Corpus-0.92, with txt/ and wav48_silence_trimmed/; fetched if it is absent (default ./VCTK-Corpus-0.92)"
held_out=()  # a hundred of each, drawn at random

source "$here/../../lib/pipeline.sh"
source "$here/../../lib/conversion.sh"

mini() {
    data=exp/conversion/vctk/${tag:-mini}/corpus
    held_out=(--validation p225_002,p226_001 --test p225_010,p226_002)
}

# what VCTK looks like, with the two speakers of the fixtures
imitate() {
    local name=$1 speaker=$2 id text number=0 target
    mkdir -p "$data/txt/$speaker" "$data/wav48_silence_trimmed/$speaker"
    while IFS='|' read -r id text _; do
        number=$((number + 1))
        target=$(printf '%s_%03d' "$speaker" "$number")
        cp "$fixtures/$name/wavs/$id.flac" "$data/wav48_silence_trimmed/$speaker/${target}_mic1.flac"
        printf '%s\n' "$text" > "$data/txt/$speaker/$target.txt"
    done < "$fixtures/$name/metadata.csv"
}

download() {
    if $mini; then
        imitate kathleen p225
        imitate ljspeech p226
        return
    fi
    [[ -d $data/txt ]] && { say "$data is there already"; return; }
    fetched "11 GB" https://datashare.ed.ac.uk/bitstream/handle/10283/3443/VCTK-Corpus-0.92.zip "$data" "" \
        https://datashare.ed.ac.uk/handle/10283/3443
}

manifests() { prepared vctk "$data" ${held_out[@]+"${held_out[@]}"}; }

pipeline "$@"
