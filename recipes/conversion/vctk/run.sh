#!/usr/bin/env bash
# Conversion among the 110 speakers of VCTK 0.92 (Yamagishi, Veaux and MacDonald 2019, doi:10.7488/ds/2645, CC BY 4.0).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
task=conversion
conf=$here/../mixed/conf/tiny
defaults=(align.train.steps=8000 convert.picture=40000 convert.critics.start=60000 convert.train.steps=120000)  # 30 times the sound

source "$here/../../lib/vctk.sh"
source "$here/../../lib/pipeline.sh"
source "$here/../../lib/conversion.sh"

mini() {
    data=exp/conversion/vctk/${tag:-mini}/corpus
    held_out=(--validation p225_002,p226_001 --test p225_010,p226_002)
}

pipeline "$@"
