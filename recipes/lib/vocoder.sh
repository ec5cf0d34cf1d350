# Stages 2 to 7 of a recipe that trains a vocoder; sourced after pipeline.sh.

stage_2() { say "nothing to do: a vocoder needs no alignment"; }

stage_3() {
    specgan vocoder train "$conf" --run "$run" "data.train=$(manifests_of train)" \
        "data.validation=$(manifests_of validation)" ${settings[@]+"${settings[@]}"}
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
    python "$root/recipes/lib/vocoder_results.py" "$run" "$run"/data/*/test.jsonl --projections "${projections[@]}" \
        --command "$command_line"
}

stage_7() { specgan pack "$run" --out "$run/model"; }
