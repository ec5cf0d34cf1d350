#!/usr/bin/env bash
# The model `convert-22k`: four voices of three languages, English (kathleen, LJSpeech), Dutch (flemishguy) and German
# (kerstin). Whoever else is there beside kathleen is taken along.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
task=conversion
corpus=mixed
conf=$here/conf/tiny
data_help="holds kathleen/, ljspeech/, flemishguy/ and kerstin/, at least two of them: each with metadata.csv (id|text)
                    and wavs/<id>.flac or .wav"
held_out_kathleen=(--validation arctic_b0430..arctic_b0439 --test arctic_b0440..arctic_b0489)
held_out_ljspeech=(--validation LJ001-0076..LJ001-0080 --test LJ001-0081..LJ001-0100)

source "$here/../../lib/pipeline.sh"
source "$here/../../lib/conversion.sh"

mini() {
    data=$fixtures
    held_out_kathleen=(--validation arctic_a0003 --test arctic_a0012)
    held_out_ljspeech=(--validation LJ001-0002 --test LJ001-0008)
}

download() {
    [[ -d $data/kathleen && -d $data/ljspeech ]] && return
    fail "$data has no kathleen/ and ljspeech/; get https://github.com/rhasspy/dataset-voice-kathleen (likewise flemishguy" \
        "and kerstin) and LJSpeech, put recordings into wavs/ and a line id|text for each into metadata.csv"
}

# last NAME: the last 20 lines of its table are the test, the 10 before them the validation
last() {
    mkdir -p "$run/data/$1"
    cut -d '|' -f 1 "$data/$1/metadata.csv" | tail -n 20 > "$run/data/$1/test.txt"
    cut -d '|' -f 1 "$data/$1/metadata.csv" | tail -n 30 | head -n 10 > "$run/data/$1/validation.txt"
    prepared "$1" "$data/$1" --speaker "$1" --language "$2" \
        --validation "@$run/data/$1/validation.txt" --test "@$run/data/$1/test.txt"
}

manifests() {
    prepared kathleen "$data/kathleen" --speaker kathleen --language en "${held_out_kathleen[@]}"
    prepared ljspeech "$data/ljspeech" --speaker ljspeech --language en "${held_out_ljspeech[@]}"
    if [[ -d $data/flemishguy ]]; then last flemishguy nl; fi
    if [[ -d $data/kerstin ]]; then last kerstin de; fi
}

pipeline "$@"
