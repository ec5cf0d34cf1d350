# The corpus VCTK 0.92, for the recipes that train on it; sourced before pipeline.sh.
#
# A recipe may set `held_out`, and in `mini` what is held out of the imitation.

corpus=vctk
data=VCTK-Corpus-0.92
data_help="VCTK-Corpus-0.92, with txt/ and wav48_silence_trimmed/; fetched if it is absent (default ./VCTK-Corpus-0.92)"
address=https://datashare.ed.ac.uk/bitstream/handle/10283/3443/VCTK-Corpus-0.92.zip
held_out=()  # a hundred of each, drawn at random

# what VCTK looks like, with the two speakers of the fixtures
imitate() {
    local name=$1 speaker=$2 id text number=0 target
    mkdir -p "$data/txt/$speaker" "$data/wav48_silence_trimmed/$speaker"
    while IFS='|' read -r id text _; do
        number=$((number + 1))
        target=$(printf '%s_%03d' "$speaker" "$number")
        cp "$fixtures/$name/wavs/$id.flac" "$data/wav48_silence_trimmed/$speaker/${target}_mic1.flac"
        printf '%s\n' "$text" > "$data/txt/$speaker/$target.txt"
    done < "$fixtures/$name/metadata.csv"
}

download() {
    if $mini; then
        imitate kathleen p225
        imitate ljspeech p226
        return
    fi
    [[ -d $data/txt ]] && { say "$data is there already"; return; }
    fetched "11 GB" "$address" "$data" "" https://datashare.ed.ac.uk/handle/10283/3443
}

manifests() { prepared vctk "$data" ${held_out[@]+"${held_out[@]}"}; }
