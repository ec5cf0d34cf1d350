#!/usr/bin/env bash
# A network that takes noise away, from the data of the Deep Noise Suppression Challenge (Dubey et al. 2023,
# arXiv:2303.11510; CC BY 4.0 and others, see its licence): clean speech and noise, mixed anew for every step.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
task=enhancement
corpus=dns
conf=$here/../mixed/conf/tiny.yaml
defaults=(train.steps=100000 critics.start=80000)
data=datasets_fullband
data_help="datasets_fullband, with clean_fullband/ and noise_fullband/, or parts of them (default ./datasets_fullband)"

source "$here/../../lib/pipeline.sh"
source "$here/../../lib/enhancement.sh"

mini() { data=exp/enhancement/dns/${tag:-mini}/corpus; }

download() {
    if $mini; then  # what it looks like, with the fixtures
        mkdir -p "$data/clean_fullband"
        cp -r "$fixtures/kathleen/wavs" "$data/clean_fullband/read_speech"
        python "$root/recipes/lib/mixing.py" noises --out "$data/noise_fullband"
        return
    fi
    [[ -d $data/clean_fullband && -d $data/noise_fullband ]] && { say "$data is there already"; return; }
    fail "$data/clean_fullband and noise_fullband are not there: the download scripts of" \
        "https://github.com/microsoft/DNS-Challenge fetch them, up to 900 GB; a part is enough"
}

manifests() {
    prepared speech-dns "$data/clean_fullband"
    prepared noise-dns "$data/noise_fullband"
    mixtures
}

pipeline "$@"
