#!/usr/bin/env bash
# A network that takes noise away, from VoiceBank-DEMAND (Valentini-Botinhao 2017, doi:10.7488/ds/2117, CC BY 4.0): 28
# speakers in ten noises. The noise of each pair is taken apart and mixed anew; the test set stays as published.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
task=enhancement
corpus=voicebank_demand
conf=$here/../mixed/conf/tiny.yaml
defaults=(train.steps=60000 critics.start=48000)
data=VoiceBank-DEMAND
data_help="holds clean_trainset_28spk_wav/, noisy_trainset_28spk_wav/, clean_testset_wav/ and noisy_testset_wav/; fetched if absent (default ./VoiceBank-DEMAND)"
held_out=(p226_001..p226_999 p287_001..p287_999)  # speakers, as most who publish on this corpus
page=https://datashare.ed.ac.uk/handle/10283/2791
address=https://datashare.ed.ac.uk/bitstream/handle/10283/2791

source "$here/../../lib/pipeline.sh"
source "$here/../../lib/enhancement.sh"

mini() {
    data=exp/enhancement/voicebank_demand/${tag:-mini}/corpus
    held_out=(p226_001)
}

# what it looks like, with the fixtures in synthesised noise
imitate() {
    local made=$data/made folder=trainset_28spk_wav id kind number=0
    specgan prepare "$fixtures/kathleen" --out "$made" --rate 48000
    cat "$made"/{train,validation,test}.jsonl > "$made/all.jsonl"
    python "$root/recipes/lib/mixing.py" --rate 48000 test --speech "$made/all.jsonl" --out "$made/mixtures"
    mkdir -p "$data"/{clean,noisy}_{trainset_28spk,testset}_wav
    for id in "$made"/mixtures/clean/*.flac; do
        number=$((number + 1))
        if ((number == 11)); then folder=testset_wav; fi
        for kind in clean noisy; do
            python -c 'import sys; from vocoder.signal import audio; audio.write(sys.argv[2], *audio.read(sys.argv[1]))' \
                "${id/clean/$kind}" "$data/${kind}_$folder/$(printf 'p226_%03d.wav' "$number")"
        done
    done
    rm -rf "$made"
}

download() {
    local name
    if $mini; then imitate; return; fi
    mkdir -p "$data"
    for name in {clean,noisy}_{trainset_28spk,testset}_wav; do
        if [[ -d $data/$name ]]; then say "$data/$name is there already"; continue; fi
        fetched "up to 3 GB" "$address/$name.zip" "$data/$name" "$name" "$page"
    done
}

manifests() {
    local speakers
    speakers=$(IFS=,; printf '%s' "${held_out[*]}")
    python "$root/recipes/lib/mixing.py" rest --noisy "$data/noisy_trainset_28spk_wav" \
        --clean "$data/clean_trainset_28spk_wav" --out "$run/rest"
    prepared speech-voicebank "$data/clean_trainset_28spk_wav" --validation "$speakers"
    prepared noise-demand "$run/rest" --validation "$speakers"
    training_too speech-voicebank test
    training_too noise-demand test
    rm -rf "$run/mixtures"
    python "$root/recipes/lib/mixing.py" --rate "$(sample_rate)" pairs --noisy "$data/noisy_testset_wav" \
        --clean "$data/clean_testset_wav" --out "$run/mixtures"
}

pipeline "$@"
