#!/usr/bin/env bash
# A network that takes noise away, from any folder of clean speech and any folder of noise.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
task=enhancement
corpus=folder
conf=$here/../mixed/conf/tiny.yaml
data_help="any folder of clean speech; 5 % of it, at least one recording, is drawn for validation and as much for the test"

source "$here/../../lib/pipeline.sh"
source "$here/../../lib/enhancement.sh"
options+=(--noise)
options_help+="  --noise FOLDER    any folder of noise; without it all noise is synthesised
"
noise=""

mini() { data=$fixtures; }

download() {
    [[ -d $data ]] || fail "$data is not there, and nothing to fetch: $data_help"
    [[ -z $noise || -d $noise ]] || fail "$noise: no such folder; --noise names one with recordings of noise"
}

manifests() {
    prepared speech-folder "$data"
    if [[ -n $noise ]]; then prepared noise-folder "$noise"; fi
    mixtures
}

pipeline "$@"
