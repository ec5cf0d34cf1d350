#!/usr/bin/env bash
# Conversion among speakers of CMU ARCTIC (Kominek and Black 2004, free to use), who read the same 1132 prompts; that they
# do is not made use of.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
task=conversion
corpus=arctic
conf=$here/../mixed/conf/tiny
defaults=(align.train.steps=2500 convert.picture=6000 convert.critics.start=9000 convert.train.steps=15000)  # 3 times the sound
data=cmu_arctic
data_help="holds cmu_us_<speaker>_arctic/ with wav/ and etc/txt.done.data; bdl, clb, rms and slt are fetched if it is absent
                    (default ./cmu_arctic)"
speakers=(bdl clb rms slt)
held_out=(--validation @"$here/local/validation.txt" --test @"$here/local/test.txt")

source "$here/../../lib/pipeline.sh"
source "$here/../../lib/conversion.sh"

mini() {
    data=exp/conversion/arctic/${tag:-mini}/corpus
    held_out=(--validation bdl/arctic_a0003,slt/LJ001-0002 --test bdl/arctic_a0012,slt/LJ001-0008)
}

# what ARCTIC looks like, with the two speakers of the fixtures
imitate() {
    local folder=$data/cmu_us_$2_arctic id text
    mkdir -p "$folder/wav" "$folder/etc"
    cp "$fixtures/$1"/wavs/* "$folder/wav"
    while IFS='|' read -r id text _; do printf '( %s "%s" )\n' "$id" "$text"; done \
        < "$fixtures/$1/metadata.csv" > "$folder/etc/txt.done.data"
}

download() {
    local speaker
    if $mini; then
        imitate kathleen bdl
        imitate ljspeech slt
        return
    fi
    for speaker in "${speakers[@]}"; do
        [[ -d $data/cmu_us_${speaker}_arctic ]] && continue
        fetched "0.1 GB" "http://festvox.org/cmu_arctic/cmu_arctic/packed/cmu_us_${speaker}_arctic-0.95-release.tar.bz2" \
            "$data/cmu_us_${speaker}_arctic" "cmu_us_${speaker}_arctic" http://festvox.org/cmu_arctic
    done
}

manifests() {
    python "$here/local/layout.py" "$data" "$run/speakers"
    prepared arctic "$run/speakers" --language en "${held_out[@]}"
}

pipeline "$@"
