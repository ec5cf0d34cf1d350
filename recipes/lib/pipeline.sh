# The stages that every recipe has; sourced by recipes/<task>/<corpus>/run.sh, never run.
#
# A recipe sets before:
#   task, corpus, conf           what it is; the settings of the training, a file or a folder of files
#   data_help                    what --data must name, one line
#   defaults                     settings that differ from those of `conf`, if any; those of the command line come after
# and after, with the library of its task (vocoder.sh, tts.sh):
#   download, manifests, mini    functions: stage -1, stage 0, what --mini changes besides the settings
#   options, options_help        names of further options with a value (--from sets `from`), and their lines of --help
#   conf_help, settings_help     what --conf names and KEY=VALUE changes
#   check                        function: refuses what cannot be meant, after the command line was read
# A function may use: $data, $run (the run folder), $fixtures, $mini, `say`, `fail`, `specgan`, `prepared NAME FOLDER …`.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
fixtures=$root/tests/fixtures
export PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH}
mini=false stage=-1 stop_stage=7 processes=1 tag="" data=${data-} settings=() defaults=(${defaults[@]+"${defaults[@]}"})
options=() options_help=""

usage() {
    cat <<EOF
Usage: run.sh --data FOLDER [OPTION ...] [KEY=VALUE ...]

  --data FOLDER     $data_help
  --stage A         first stage (default -1)
  --stop-stage B    last stage (default 7)
  --conf PATH       $conf_help (default ${conf#"$PWD"/})
  --tag NAME        name of the run (default: that of PATH); it lies in exp/$task/$corpus/NAME
  --processes N     train with N processes: one a GPU; on a CPU one a core, faster than one with many threads (default 1)
$options_help  --mini            the whole chain on the fixtures of the tests, on a CPU in under a minute
  KEY=VALUE         $settings_help

Stages: -1 download, 0 manifests, 1 statistics, 2 alignment, 3 training, 4 fine-tuning, 5 inference of the test set,
6 evaluation, 7 packing. The same command goes on with a training that was stopped.
EOF
}
say() { printf '%s\n' "$*" >&2; }
fail() { say "run.sh: $*"; exit 2; }
python() { command "${PYTHON:-python}" "$@"; }
specgan() { python -m specgan "$@"; }
# the same in all the processes of a training
training() {
    if ((processes == 1)); then
        specgan "$@"
    else
        # by address: a machine whose own name does not resolve would wait for itself
        python -m torch.distributed.run --standalone --local-addr 127.0.0.1 --nproc-per-node "$processes" -m specgan "$@"
    fi
}

# parse the command line; sets data, conf, run, stage, stop_stage and settings
arguments() {
    command_line="$0 $*"
    while (($#)); do
        if [[ " ${options[*]-} " == *" $1 "* ]]; then
            (($# > 1)) || fail "$1 needs a value; see --help"
            printf -v "${1#--}" %s "$2"
            shift 2
            continue
        fi
        case $1 in
            --stage | --stop-stage | --conf | --tag | --data | --processes)
                (($# > 1)) || fail "$1 needs a value; see --help"
                case $1 in
                    --stage) stage=$2 ;;
                    --stop-stage) stop_stage=$2 ;;
                    --conf) conf=$2 ;;
                    --tag) tag=$2 ;;
                    --data) data=$2 ;;
                    --processes) processes=$2 ;;
                esac
                shift 2
                ;;
            --mini) mini=true; shift ;;
            --help | -h) usage; exit 0 ;;
            *=*) settings+=("$1"); shift ;;
            *) fail "unknown argument $1; see --help" ;;
        esac
    done
    [[ $stage =~ ^-?[0-9]+$ && $stop_stage =~ ^-?[0-9]+$ ]] || fail "a stage is a number from -1 to 7"
    [[ $processes =~ ^[1-9][0-9]*$ ]] || fail "--processes is $processes, must be a number from 1"
    if $mini; then
        conf=$root/recipes/$task/conf/mini
        [[ -d $conf ]] || conf+=.yaml
        defaults=()
        mini
    fi
    settings=(${defaults[@]+"${defaults[@]}"} ${settings[@]+"${settings[@]}"})
    check
    [[ -n $data ]] || fail "--data is missing: $data_help"
    [[ -n $tag ]] || tag=$(basename "${conf%.*}")
    run=exp/$task/$corpus/$tag
}

# rate FILE [KEY=VALUE ...]: sample rate (Hz) of the mel that settings name; the last one named counts
rate() {
    local file=$1 spec
    shift
    spec=$({ sed -n 's/^spec:[[:space:]]*//p' "$file"; printf '%s\n' "$@" | sed -n 's/^spec=//p'; } | tail -n 1)
    python -c 'import sys; from vocoder.signal.spec import preset; print(preset(sys.argv[1]).sample_rate)' "${spec:-22k}"
}

# settings_of PART: fills `chosen` with its settings, without the prefix
settings_of() {
    local word
    chosen=()
    for word in ${settings[@]+"${settings[@]}"}; do
        if [[ $word == "$1".* ]]; then chosen+=("${word#"$1".}"); fi
    done
}

# place PATH: as the value of a setting
place() {
    if [[ $1 == /* ]]; then printf '"%s"' "$1"; else printf '"%s"' "$PWD/$1"; fi
}

# prepared NAME FOLDER [OPTION ...]: manifests of a corpus in $run/data/NAME
prepared() {
    local name=$1 folder=$2 hertz
    shift 2
    hertz=$(sample_rate)
    specgan prepare "$folder" --out "$run/data/$name" --rate "$hertz" "$@"
}

# manifests_of train|validation|test ...: those of all corpora that stage 0 prepared, as a list for key=value
manifests_of() {
    local set path paths=()
    for set in "$@"; do
        for path in "$run"/data/*/"$set.jsonl"; do
            [[ -f $path ]] || fail "$run/data has no manifests; begin with --stage 0"
            paths+=("\"$PWD/$path\"")
        done
    done
    local IFS=,
    printf '[%s]' "${paths[*]}"
}

# fetched SIZE ADDRESS FOLDER INSIDE PAGE: download an archive (.tar.bz2 or .zip); its folder INSIDE, or what it holds if
# that is empty, becomes FOLDER
fetched() {
    local size=$1 address=$2 folder=$3 inside=$4 page=$5 unpacked=$3.unpacking archive
    archive=$unpacked/${address##*/}
    mkdir -p "$unpacked/content"  # nothing half-unpacked ever has the corpus's name
    say "fetching $size from $address"
    if ! curl --fail --location --show-error --silent --output "$archive" "$address"; then
        rm -rf "$unpacked"
        fail "$address cannot be fetched; get ${folder##*/} from $page and give its folder as --data"
    fi
    case $archive in
        *.zip) python -m zipfile --extract "$archive" "$unpacked/content" ;;
        *) tar --extract --file "$archive" --directory "$unpacked/content" ;;
    esac
    mv "$unpacked/content${inside:+/$inside}" "$folder"
    rm -rf "$unpacked"
}

stage_1() { python "$root/recipes/lib/statistics.py" "$run"/data/*/*.jsonl; }

# others SCRIPT SET ARGUMENT ...: let other systems do the work; fills `beside` with options of `specgan evaluate`
others() {
    local script=$1 folder=$run/peers/$2 name
    shift 2
    beside=()
    if $mini; then return; fi
    python "$root/recipes/lib/$script" "$@" --out "$folder" > /dev/null
    for name in "$folder"/*/; do
        if [[ -d $name ]]; then beside+=(--beside "$(basename "$name")=${name%/}"); fi
    done
}

# scored SET OPTION ...: evaluate into $run/results/SET
scored() {
    local set=$1
    shift
    specgan evaluate "$@" --out "$run/results/$set"
}

# results: RESULTS.md out of the cards of $run/results
results() {
    local set
    {
        printf '# Results\n\n```\n%s\n```\n' "$command_line"
        for set in "$run"/results/*/; do printf '\n'; sed 's/^#/##/' "${set}card.md"; done
    } > "$run/RESULTS.md"
    say "$run/RESULTS.md"
}

# pipeline "$@": run the stages
pipeline() {
    arguments "$@"
    local names=([0]=manifests [1]=statistics [2]=alignment [3]=training [4]=fine-tuning [5]=inference [6]=evaluation [7]=packing)
    local number
    for ((number = stage; number <= stop_stage; number++)); do
        case $number in
            -1) say "== stage -1: download"; download ;;
            0) say "== stage 0: manifests"; manifests ;;
            [1-7]) say "== stage $number: ${names[number]}"; "stage_$number" ;;
            *) fail "there is no stage $number; stages are -1 to 7" ;;
        esac
    done
}
