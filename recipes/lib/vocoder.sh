# Stages 2 to 7 of a recipe that trains a vocoder; sourced after pipeline.sh.

conf_help="settings of the training, a file"
settings_help="changes a setting, as for \`specgan vocoder train\`"

check() { [[ -f $conf ]] || fail "$conf: no such file; --conf names the settings of the training"; }

sample_rate() { rate "$conf" ${settings[@]+"${settings[@]}"}; }

stage_2() { say "nothing to do: a vocoder needs no alignment"; }

stage_3() {
    local train validation  # not inside the command: a failure there would go unnoticed
    train=$(manifests_of train)
    validation=$(manifests_of validation)
    training vocoder train "$conf" --out "$run" "data.train=$train" "data.validation=$validation" \
        ${settings[@]+"${settings[@]}"}
}

stage_4() {
    say "nothing to do: stage 3 trained the vocoder itself." \
        "initial=FOLDER makes stage 3 start from the weights in FOLDER (generator.safetensors, discriminator.safetensors)"
}

stage_5() {
    local folder
    for folder in "$run"/data/*; do
        specgan vocoder decode "$folder/test.jsonl" --out "$run/wavs/$(basename "$folder")" --model "$run"
    done
}

stage_6() {
    local projections=(0 1 2 4 8) count set beside=() listen=()
    if $mini; then projections=(0) listen=(--recogniser none --only pesq,multi_resolution_stft,real_time_factor); fi
    if grep -q "name: hifigan" "$run/config.yaml"; then projections=(); fi  # it has none
    for count in ${projections[@]+"${projections[@]}"}; do
        rm -rf "$run/projections/$count"
        specgan pack "$run" --out "$run/projections/$count" --projections "$count"
        beside+=(--beside "$count projections=$run/projections/$count")
    done
    for set in "$run"/data/*/; do
        scored "$(basename "$set")" --model "$run" --manifest "${set}test.jsonl" ${beside[@]+"${beside[@]}"} \
            ${listen[@]+"${listen[@]}"}
    done
    results
}

stage_7() {
    rm -rf "$run/model"
    specgan pack "$run" --out "$run/model"
}
