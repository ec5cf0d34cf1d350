#!/usr/bin/env bash
# Conversion among anybody's recordings: a folder a speaker, of two or more; ten minutes each are enough to begin with.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
task=conversion
corpus=folder
conf=$here/../mixed/conf/tiny
data_help="a folder whose subfolders hold the recordings of one speaker each, with texts beside them (name.txt beside
                    name.wav); with --from texts are not needed. 5 % of each speaker's are drawn for validation, and for the test"

source "$here/../../lib/pipeline.sh"
source "$here/../../lib/conversion.sh"

options+=(--language)
options_help+="  --language CODE   of the recordings (default en)
"
language=en

mini() { data=exp/conversion/folder/${tag:-mini}/corpus; }

download() {
    local name id text
    if $mini; then
        for name in kathleen ljspeech; do
            mkdir -p "$data/$name"
            while IFS='|' read -r id text _; do
                cp "$fixtures/$name/wavs/$id.flac" "$data/$name"
                printf '%s\n' "$text" > "$data/$name/$id.txt"
            done < "$fixtures/$name/metadata.csv"
        done
    fi
    [[ -d $data ]] || fail "$data is not there, and nothing to fetch: $data_help"
}

manifests() {
    prepared sounds "$data" --language "$language" --labels
    python "$root/recipes/lib/conversion_pairs.py" --speakers "$run"/data/sounds/*.jsonl
}

pipeline "$@"
