#!/usr/bin/env bash
# A vocoder for LJSpeech 1.1 (Ito and Johnson 2017, public domain), 24 hours of one speaker.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
task=vocoder
corpus=ljspeech
conf=$here/../kathleen/conf/small.yaml
data=LJSpeech-1.1
data_help="LJSpeech-1.1, with metadata.csv and wavs/; fetched if it is absent (default ./LJSpeech-1.1)"
held_out=(--validation LJ001-0076..LJ001-0080 --test LJ001-0081..LJ001-0100)
address=https://data.keithito.com/data/speech/LJSpeech-1.1.tar.bz2

source "$here/../../lib/pipeline.sh"
source "$here/../../lib/vocoder.sh"

mini() {
    data=$fixtures/ljspeech
    held_out=(--validation LJ001-0002 --test LJ001-0008)
}

download() {
    [[ -f $data/metadata.csv ]] && { say "$data is there already"; return; }
    local unpacked=$data.unpacking
    mkdir -p "$unpacked"
    say "fetching 2.7 GB from $address"
    # straight from the net into a temporary folder: nothing half-unpacked ever has the corpus's name
    if ! curl --fail --location --show-error --silent "$address" | tar --extract --bzip2 --directory "$unpacked"; then
        rm -rf "$unpacked"
        fail "$address cannot be fetched; get LJSpeech-1.1 from https://keithito.com/LJ-Speech-Dataset/ and give its folder as --data"
    fi
    mv "$unpacked/LJSpeech-1.1" "$data"
    rmdir "$unpacked"
}

manifests() { prepared ljspeech "$data" --speaker ljspeech --language en "${held_out[@]}"; }

pipeline "$@"
