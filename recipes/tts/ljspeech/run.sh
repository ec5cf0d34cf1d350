#!/usr/bin/env bash
# A voice from LJSpeech 1.1 (Ito and Johnson 2017, public domain), 24 hours of one speaker.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
task=tts
corpus=ljspeech
conf=$here/../kathleen/conf/tiny
defaults=(align.train.steps=4000 acoustic.train.steps=60000 gan.train.steps=60000 gan.loop_start=54000)  # 26 times the sound
data=LJSpeech-1.1
data_help="LJSpeech-1.1, with metadata.csv and wavs/; fetched if it is absent (default ./LJSpeech-1.1)"
held_out=(--validation LJ001-0076..LJ001-0080 --test LJ001-0081..LJ001-0100)
tested=ljspeech
sentences=$here/../kathleen/hard_sentences.txt
address=https://data.keithito.com/data/speech/LJSpeech-1.1.tar.bz2

source "$here/../../lib/pipeline.sh"
source "$here/../../lib/tts.sh"

mini() {
    data=$fixtures/ljspeech
    defaults=(align.data.batch=1 acoustic.data.batch=1 gan.data.batch=1)  # one recording is left for training
    held_out=(--validation LJ001-0002 --test LJ001-0008)
}

download() {
    [[ -f $data/metadata.csv ]] && { say "$data is there already"; return; }
    fetched "2.7 GB" "$address" "$data" LJSpeech-1.1 https://keithito.com/LJ-Speech-Dataset/
}

manifests() { prepared ljspeech "$data" --speaker ljspeech --language en "${held_out[@]}"; }

pipeline "$@"
