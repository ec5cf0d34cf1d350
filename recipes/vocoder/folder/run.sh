#!/usr/bin/env bash
# A vocoder for any folder of sounds: wav, flac, ogg and mp3 at any rate, nested as they like.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
task=vocoder
corpus=folder
conf=$here/../kathleen/conf/small.yaml
data_help="any folder of sounds; 5 % of them, at least one, are drawn for validation and as many for the test"

source "$here/../../lib/pipeline.sh"
source "$here/../../lib/vocoder.sh"

mini() { data=$fixtures; }

download() { [[ -d $data ]] || fail "$data is not there, and nothing to fetch: $data_help"; }

manifests() { prepared sounds "$data"; }

pipeline "$@"
