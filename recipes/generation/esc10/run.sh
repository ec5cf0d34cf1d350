#!/usr/bin/env bash
# The ten classes of ESC-10 (Piczak 2015, doi:10.1145/2733373.2806390; CC BY and CC0 clips): fold 3 is the test.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
task=generation
corpus=esc10
conf=$here/../folder/conf/tiny.yaml
data_help="ESC-50 as published (meta/esc50.csv and audio/), of which the clips of ESC-10 are taken; or one folder a
                    class with <fold>-<clip>-<take>.ogg"

source "$here/../../lib/pipeline.sh"
source "$here/../../lib/generation.sh"

mini() { data=exp/generation/esc10/${tag:-mini}/esc50; }

download() {
    if $mini && [[ ! -d $data ]]; then python "$root/recipes/lib/made_up_sounds.py" "$data" --esc50; fi
    [[ -d $data ]] && return
    fetched "600 MB" https://github.com/karolpiczak/ESC-50/archive/refs/heads/master.zip "$data" ESC-50-master \
        https://github.com/karolpiczak/ESC-50
}

manifests() {
    python "$here/local/layout.py" "$data" "$run/corpus"
    prepared sounds "$run/corpus" --labels --test "@$run/corpus/test.txt"
}

pipeline "$@"
