#!/usr/bin/env bash
# New sounds like those of any folder, whose subfolders are the classes; a dozen of each class are enough to begin with.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
task=generation
corpus=folder
conf=$here/conf/tiny.yaml
data_help="a folder whose subfolders hold the sounds of one class each (wav, flac, ogg, mp3 at any rate); 5 % of each
                    class, at least two of eight or more, are drawn for validation and as many for the test"

source "$here/../../lib/pipeline.sh"
source "$here/../../lib/generation.sh"

mini() { data=exp/generation/folder/${tag:-mini}/corpus; }

download() {
    if $mini && [[ ! -d $data ]]; then python "$root/recipes/lib/made_up_sounds.py" "$data"; fi
    [[ -d $data ]] || fail "$data is not there, and nothing to fetch: $data_help"
}

manifests() { prepared sounds "$data" --labels; }

pipeline "$@"
