#!/usr/bin/env bash
# A voice of many speakers from VCTK 0.92 (Yamagishi, Veaux and MacDonald 2019, doi:10.7488/ds/2645, CC BY 4.0): 110 of
# them, 44 hours of English. Each speaks with `specgan infer --speaker p225`.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
task=tts
conf=$here/../kathleen/conf/tiny
defaults=(align.train.steps=8000 acoustic.train.steps=100000 gan.train.steps=100000 gan.loop_start=90000)  # 48 times the sound
tested=vctk
sentences=$here/../kathleen/hard_sentences.txt

source "$here/../../lib/vctk.sh"
source "$here/../../lib/pipeline.sh"
source "$here/../../lib/tts.sh"

mini() {
    data=exp/tts/vctk/${tag:-mini}/corpus
    held_out=(--validation p225_002 --test p225_010,p226_002)
}

pipeline "$@"
