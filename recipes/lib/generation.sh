# Stages 2 to 7 of a recipe that learns the sounds of a folder; sourced after pipeline.sh.
#
# The run folder:
#
#   data/ ── gan/ ── model/ ── wavs/, results/, RESULTS.md

conf_help="settings of the training, a file"
settings_help="changes a setting, as for \`specgan train\`"
options=(--vocoder)
options_help="  --vocoder PATH    run or weights of the vocoder that renders the sounds, such as the run of
                    recipes/vocoder/folder on the same sounds (default the shipped one, for the mel 22k)
"
vocoder="" pretrained=$root/recipes/vocoder/kathleen/pretrained

check() {
    [[ -f $conf ]] || fail "$conf: no such file; --conf names the settings of the training"
    [[ -z $vocoder || -d $vocoder ]] || fail "$vocoder: no such folder; --vocoder names a run or weights"
}

sample_rate() { rate "$conf" ${settings[@]+"${settings[@]}"}; }

stage_2() { say "nothing to do: sounds need no alignment"; }

stage_3() {
    local train validation heard=()  # not inside the command: a failure there would go unnoticed
    train=$(manifests_of train)
    validation=$(manifests_of validation)
    if [[ -n $vocoder ]]; then
        heard=("vocoder=\"$(cd "$vocoder" && pwd)\"")
    elif [[ $(sample_rate) == 22050 ]]; then
        heard=("vocoder=\"$pretrained\"")
    fi
    training train "$conf" --out "$run/gan" "data.train=$train" "data.validation=$validation" \
        ${heard[@]+"${heard[@]}"} ${settings[@]+"${settings[@]}"}
}

stage_4() {
    say "nothing to do: the vocoder stays as it is. recipes/vocoder/folder/run.sh --data $data" \
        "initial=$pretrained trains it on these sounds; then come back with --stage 5 --vocoder RUN"
}

# pack the model unless this has been done since the last training, with this vocoder
packed() {
    local state stale=false
    for state in "$run"/gan/checkpoints/step-*/state.json; do
        if [[ $state -nt $run/model/config.json ]]; then stale=true; fi
    done
    if [[ "$vocoder" != "$(cat "$run/vocoder.txt" 2> /dev/null)" ]]; then stale=true; fi
    $stale || return 0
    rm -rf "$run/model"
    specgan pack "$run/gan" --out "$run/model" ${vocoder:+--vocoder "$vocoder"}
    printf '%s' "$vocoder" > "$run/vocoder.txt"
}

stage_5() {
    packed
    local label
    while IFS= read -r label; do
        specgan infer --model "$run/model" --label "$label" --count 4 --save-mel --out "$run/wavs"
    done < <(python -c 'import json, sys; print(*json.load(open(sys.argv[1]))["classes"], sep="\n")' "$run/model/config.json")
}

stage_6() {
    packed
    local given=$run/data/sounds/test.jsonl
    rm -rf "$run/results/sounds"
    scored sounds --model "$run/model" --manifest "$given"
    results
}

stage_7() {
    packed
    if [[ -f $run/RESULTS.md ]]; then cp "$run/RESULTS.md" "$run/model"; fi
    say "the model: $run/model"
}
