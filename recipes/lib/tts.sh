# Stages 2 to 7 of a recipe that trains a voice; sourced after pipeline.sh.
#
# A recipe sets, besides what pipeline.sh says:
#   tested       which of its corpora is evaluated: NAME of `prepared NAME …`
#   sentences    file of harder sentences that are evaluated too, if any
#
# The run folder:
#
#   align/ ── alignments/ ── acoustic/ ── gan/ ── mels/ ── vocoder/ ── model/ ── wavs/, RESULTS.md

parts=(align acoustic gan vocoder)
conf_help="folder with align.yaml, acoustic.yaml, gan.yaml and vocoder.yaml, the settings of each training"
settings_help="changes a setting of one of these: acoustic.train.steps=5000"
options=(--textgrids)
options_help="  --textgrids PATH  TextGrids of another aligner, such as the Montreal Forced Aligner, whose words set the limits
"
textgrids="" from=""
pretrained=$root/recipes/vocoder/kathleen/pretrained  # the shipped vocoder, with its critics

check() {
    local part word
    if [[ -n $from ]]; then
        from=$(weights_of "$from") || exit
        if ! $mini && [[ $conf == "$here/../kathleen/conf/tiny" ]]; then conf=$here/conf/finetune; fi
    fi
    for part in "${parts[@]}"; do
        [[ -f $conf/$part.yaml ]] || fail "$conf/$part.yaml: no such file; --conf names a folder with the settings"
    done
    for word in ${settings[@]+"${settings[@]}"}; do
        [[ " ${parts[*]} " == *" ${word%%.*} "* ]] || fail "$word: a setting begins with align., acoustic., gan. or vocoder."
    done
    [[ -z $textgrids || -d $textgrids ]] || fail "$textgrids: no such folder; --textgrids names one with a TextGrid a recording"
}

# weights_of VOICE: the folder with the weights of a shipped voice, a packed one, or one that a recipe trained
weights_of() {
    local place
    for place in "$1" "$1/model" "$root/recipes/tts/$1/pretrained" "$root/specgan/zoo/$1"; do
        if [[ -f $place/painter.safetensors ]]; then printf '%s' "$place"; return; fi
    done
    fail "$1: no voice with its weights (painter.safetensors); --from names a shipped voice or a packed one"
}

sample_rate() {
    settings_of acoustic
    rate "$conf/acoustic.yaml" ${chosen[@]+"${chosen[@]}"}
}

# trained PART KEY=VALUE ...: train one of the parts in $run/PART
trained() {
    local part=$1
    shift
    settings_of "$part"
    say "-- $part"
    training train "$conf/$part.yaml" --out "$run/$part" "$@" ${chosen[@]+"${chosen[@]}"}
}

stage_2() {
    local train held_out  # not inside the command: a failure there would go unnoticed
    train=$(manifests_of train)
    held_out=$(manifests_of validation test)  # all that it will align, so that it knows their phones
    trained align "data.train=$train" "data.validation=$held_out"
    specgan align "$run"/data/*/*.jsonl --out "$run/alignments" --model "$run/align" ${textgrids:+--textgrids "$textgrids"}
}

stage_3() {
    local train validation data vocoder=$pretrained initial=()
    train=$(manifests_of train)
    validation=$(manifests_of validation)
    data=("data.train=$train" "data.validation=$validation" "alignments=$(place "$run/alignments")")
    if [[ -n $from ]]; then
        initial=("initial=$(place "$from")")
        vocoder=$from
    fi
    trained acoustic "${data[@]}" ${initial[@]+"${initial[@]}"}
    trained gan "${data[@]}" "acoustic=$(place "$run/acoustic")" "vocoder=$(place "$vocoder")" \
        ${initial[@]+"${initial[@]}"}
}

stage_4() {
    local mels initial=$pretrained
    specgan draw "$run/gan" "$run"/data/*/{train,validation}.jsonl --out "$run/mels" --alignments "$run/alignments"
    if [[ -n $from ]]; then initial=$from; fi
    mels=$(place "$run/mels")
    settings_of vocoder
    say "-- vocoder"
    training vocoder train "$conf/vocoder.yaml" --out "$run/vocoder" "data.train=[$(place "$run/mels/train.jsonl")]" \
        "data.validation=[$(place "$run/mels/validation.jsonl")]" "data.mels=$mels" "initial=$(place "$initial")" \
        ${chosen[@]+"${chosen[@]}"}
}

# pack the voice unless this has been done since the last training: what is evaluated is what will be given away
packed() {
    local state stale=false
    for state in "$run"/{gan,vocoder}/checkpoints/step-*/state.json; do
        if [[ $state -nt $run/model/config.json ]]; then stale=true; fi
    done
    $stale || return 0
    rm -rf "$run/model"
    specgan pack "$run/gan" --vocoder "$run/vocoder" --out "$run/model"
}

stage_5() {
    packed
    python "$root/recipes/lib/tts_wavs.py" "$run/model" "$run"/data/*/test.jsonl --out "$run/wavs"
}

stage_6() {
    packed
    local given=$run/data/$tested/test.jsonl listen=() beside=() asked=${sentences-}
    if $mini; then listen=(--recogniser none --only "mcd,f0_error,real_time_factor"); fi
    others tts_peers.py manifest --manifest "$given"
    scored prompts --model "$run/model" --manifest "$given" --alignments "$run/alignments" \
        ${beside[@]+"${beside[@]}"} ${listen[@]+"${listen[@]}"}
    if [[ -n $asked ]]; then
        if $mini; then
            asked=$run/sentence.txt listen=(--only dnsmos)
            grep -v '^#' "$sentences" | sed -n 1p > "$asked"
        fi
        others tts_peers.py sentences --sentences "$asked"
        scored sentences --model "$run/model" --manifest "$given" --sentences "$asked" \
            ${beside[@]+"${beside[@]}"} ${listen[@]+"${listen[@]}"}
    fi
    cp "$run/results/prompts/mels.png" "$run"
    results
}

stage_7() {
    packed
    if [[ -f $run/RESULTS.md ]]; then cp "$run/RESULTS.md" "$run"/*.png "$run/model"; fi
    say "the voice: $run/model"
}
