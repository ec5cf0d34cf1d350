#!/usr/bin/env bash
# The network that is shipped as `enhance-16k`: speech of 218 speakers (LibriSpeech by way of Resemblyzer, CC BY 4.0;
# kathleen, CC0; LJSpeech, public domain), noise of Speech Commands (CC BY 4.0) and ESC-10 (CC BY 3.0), and synthesised
# noise. Speakers and noises of the test are in no training.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
task=enhancement
corpus=mixed
conf=$here/conf/tiny.yaml
data_help="holds librispeech-251speakers/, kathleen/, ljspeech/, noise/ and esc10/"
held_out_kathleen=(--validation arctic_b0430..arctic_b0439 --test arctic_b0440..arctic_b0489)
held_out_ljspeech=(--validation LJ001-0076..LJ001-0080 --test LJ001-0081..LJ001-0100)

source "$here/../../lib/pipeline.sh"
source "$here/../../lib/enhancement.sh"

mini() {
    data=exp/enhancement/mixed/${tag:-mini}/corpus
    held_out_kathleen=(--validation arctic_a0003 --test arctic_a0012)
    held_out_ljspeech=(--validation LJ001-0002 --test LJ001-0008)
}

# what the corpora look like, with the fixtures and synthesised noise
imitate() {
    local kind number=0 path
    mkdir -p "$data"/{librispeech-251speakers,esc10/{rain,engine}}
    cp -r "$fixtures"/{kathleen,ljspeech} "$data"
    for path in "$fixtures"/kathleen/wavs/*.flac; do
        number=$((number + 1))
        if ((number <= 5)); then cp "$path" "$data/librispeech-251speakers/$number-1-0000.flac"; fi
    done
    python "$root/recipes/lib/mixing.py" noises --out "$data/noise" --count 4
    for path in doing_the_dishes dude_miaowing exercise_bike running_tap; do
        mv "$data/noise/noise-0$((number % 4)).flac" "$data/noise/$path.flac"
        number=$((number + 1))
    done
    for kind in rain engine; do
        for path in 1-1-A 1-2-A 3-1-A; do cp "$data/noise/running_tap.flac" "$data/esc10/$kind/$path.flac"; done
    done
}

download() {
    if $mini; then imitate; return; fi
    local name
    for name in librispeech-251speakers kathleen ljspeech noise esc10; do
        [[ -d $data/$name ]] || fail "$data/$name is not there, and there is no archive in this layout to fetch"
    done
}

# ids FOLDER PATTERN: of the recordings that fit, one a line
ids() { (cd "$1" && find . -type f -path "./$2" | sed 's|^\./||; s|\.[^.]*$||' | sort -V); }

manifests() {
    local lists=$run/data/lists last=25 before=10 kind
    if $mini; then last=1 before=1; fi
    mkdir -p "$lists"
    ids "$data/librispeech-251speakers" "*" | tail -n "$last" > "$lists/librispeech.test"
    ids "$data/librispeech-251speakers" "*" | tail -n "$((last + before))" | head -n "$before" > "$lists/librispeech.validation"
    ids "$data/esc10" "*/3-*" > "$lists/esc10.test"
    for kind in "$data"/esc10/*/; do ids "$data/esc10" "$(basename "$kind")/1-*" | tail -n 1; done > "$lists/esc10.validation"
    prepared speech-librispeech "$data/librispeech-251speakers" --language en \
        --validation "@$lists/librispeech.validation" --test "@$lists/librispeech.test"
    prepared speech-kathleen "$data/kathleen" --speaker kathleen --language en "${held_out_kathleen[@]}"
    prepared speech-ljspeech "$data/ljspeech" --speaker ljspeech --language en "${held_out_ljspeech[@]}"
    # one noise of four is for the test, and none for validation
    prepared noise-speech_commands "$data/noise" --validation dude_miaowing --test running_tap
    training_too noise-speech_commands validation
    prepared noise-esc10 "$data/esc10" --validation "@$lists/esc10.validation" --test "@$lists/esc10.test"
    mixtures
}

pipeline "$@"
