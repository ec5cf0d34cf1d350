#!/usr/bin/env bash
# A voice from anybody's recordings with their texts; ten minutes are enough to fine-tune a trained voice with --from.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
task=tts
corpus=folder
conf=$here/../kathleen/conf/tiny
data_help="a folder of recordings with texts: name.txt beside name.wav, or metadata.csv (id|text) and wavs/, or transcripts.tsv
                    (path, tab, text), or a corpus in the layout of VCTK, Kaldi or Lhotse; 5 % of them, at least one, are
                    drawn for validation and as many for the test"
tested=sounds

source "$here/../../lib/pipeline.sh"
source "$here/../../lib/tts.sh"

options+=(--from --language)
options_help+="  --from VOICE      fine-tune this voice: a shipped one, a packed one with its weights, or the run of a recipe;
                    the settings are then those of ${here#"$PWD"/}/conf/finetune unless --conf names others
  --language CODE   of the recordings (default en)
"
language=en

mini() { data=exp/tts/folder/${tag:-mini}/corpus; }

download() {
    local id text
    if $mini; then
        mkdir -p "$data"
        while IFS='|' read -r id text _; do
            cp "$fixtures/kathleen/wavs/$id.flac" "$data"
            printf '%s\n' "$text" > "$data/$id.txt"
        done < <(head -n 8 "$fixtures/kathleen/metadata.csv")
    fi
    [[ -d $data ]] || fail "$data is not there, and nothing to fetch: $data_help"
}

manifests() { prepared sounds "$data" --language "$language"; }

pipeline "$@"
