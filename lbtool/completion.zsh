#compdef lbtool
# SPDX-License-Identifier: GPL-2.0
#
# Completion of lbtool for zsh: lbtool itself knows what may come next ("lbtool complete").

_lbtool()
{
	local said what
	local -a word shown

	for said in ${(f)"$(_call_program lbtool ${words[1]} complete ${words[2,CURRENT-1]} ${(q)${(Q)PREFIX}} 2>/dev/null)"}; do
		case $said in
		$'\tFILE') _files ;;
		$'\t'*) what=${said#$'\t'} ;;
		*)
			word+=(${said%%$'\t'*})
			shown+=(${said/$'\t'/  -- })
			;;
		esac
	done
	if (( $#word )); then
		compadd -d shown -a word
	elif [[ -n $what ]]; then
		_message $what
	fi
}

_lbtool "$@"
