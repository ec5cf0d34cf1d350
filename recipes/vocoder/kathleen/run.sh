#!/usr/bin/env bash
# A vocoder for the voice `kathleen` (CMU ARCTIC prompts, rhasspy/dataset-voice-kathleen, CC0), with the first hundred
# recordings of LJSpeech beside it where they are there.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
task=vocoder
corpus=kathleen
conf=$here/conf/small.yaml
data_help="holds kathleen/ and, if wanted, ljspeech/: each with metadata.csv and wavs/"
held_out_kathleen=(--validation arctic_b0430..arctic_b0439 --test arctic_b0440..arctic_b0489)
held_out_ljspeech=(--validation LJ001-0076..LJ001-0080 --test LJ001-0081..LJ001-0100)

source "$here/../../lib/pipeline.sh"
source "$here/../../lib/vocoder.sh"

mini() {
    data=$fixtures
    held_out_kathleen=(--validation arctic_a0003 --test arctic_a0012)
    held_out_ljspeech=(--validation LJ001-0002 --test LJ001-0008)
}

download() {
    [[ -f $data/kathleen/metadata.csv ]] && return
    fail "$data/kathleen is not there, and there is no archive in this layout to fetch: take the recordings of" \
        "https://github.com/rhasspy/dataset-voice-kathleen and put them there as wavs/<id>.flac with metadata.csv"
}

manifests() {
    prepared kathleen "$data/kathleen" --speaker kathleen --language en "${held_out_kathleen[@]}"
    if [[ -d $data/ljspeech ]]; then
        prepared ljspeech "$data/ljspeech" --speaker ljspeech --language en "${held_out_ljspeech[@]}"
    else
        say "$data/ljspeech is not there: kathleen alone"
    fi
}

pipeline "$@"
