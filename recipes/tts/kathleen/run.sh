#!/usr/bin/env bash
# The voice `kathleen` (CMU ARCTIC prompts, rhasspy/dataset-voice-kathleen, CC0), with the first hundred recordings of
# LJSpeech beside it where they are there: a second speaker from whom the text encoder learns.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
task=tts
corpus=kathleen
conf=$here/conf/tiny
data_help="holds kathleen/ and, if wanted, ljspeech/: each with metadata.csv (id|text) and wavs/<id>.flac or .wav"
held_out_kathleen=(--validation arctic_b0430..arctic_b0439 --test arctic_b0440..arctic_b0489)
held_out_ljspeech=(--validation LJ001-0076..LJ001-0080 --test LJ001-0081..LJ001-0100)
tested=kathleen
sentences=$here/hard_sentences.txt

source "$here/../../lib/pipeline.sh"
source "$here/../../lib/tts.sh"

mini() {
    data=$fixtures
    held_out_kathleen=(--validation arctic_a0003 --test arctic_a0012)
    held_out_ljspeech=(--validation LJ001-0002 --test LJ001-0008)
}

download() {
    [[ -f $data/kathleen/metadata.csv && -d $data/kathleen/wavs ]] && return
    fail "$data/kathleen has no metadata.csv and wavs/; get the recordings from" \
        "https://github.com/rhasspy/dataset-voice-kathleen, put them into wavs/ named after the prompt (arctic_a0001.wav;" \
        "of several takes the last) and write a line id|text for each into metadata.csv"
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
