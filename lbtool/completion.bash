# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Completion of lbtool for bash: lbtool itself knows what may come next ("lbtool complete").

_lbtool()
{
	local line=${COMP_LINE:0:COMP_POINT} cur said tail breaks=''
	local -a words

	# As lbtool gets them: bash has cut its words at colons, too, of which addresses are full.
	read -ra words <<<"$line"
	[[ $line != *[[:space:]] ]] || words+=("")
	cur=${words[-1]}
	# And it replaces only what is behind the last such character.
	[[ $COMP_WORDBREAKS != *:* ]] || breaks=:
	[[ $COMP_WORDBREAKS != *=* ]] || breaks+='='
	tail=$cur
	[[ -z $breaks ]] || tail=${cur##*["$breaks"]}
	COMPREPLY=()
	while IFS= read -r said; do
		case $said in
		$'\tFILE') compopt -o default ;;
		$'\t'*) ;;
		*)
			said=${said%%$'\t'*}
			COMPREPLY+=("${said:$((${#cur} - ${#tail}))}")
			;;
		esac
	done < <("${words[0]}" complete "${words[@]:1}" 2>/dev/null)
}

complete -F _lbtool lbtool
