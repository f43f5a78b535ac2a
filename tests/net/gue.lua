-- SPDX-License-Identifier: GPL-2.0
--
-- gue.lua - teaches Wireshark, which does not know it, GUE: variant 0 of draft-ietf-intarea-gue-09, and the private data of
-- bpf/gue.h. What is in the tunnel goes to Wireshark's own dissectors. Usage: tshark -X lua_script:gue.lua ...

local gue = Proto("gue", "Generic UDP Encapsulation")
local kinds = { [0x4c01] = "previous real", [0x4c02] = "fragment for a peer" }
local f = gue.fields
f.variant = ProtoField.uint8("gue.variant", "Variant", base.DEC, nil, 0xc0)
f.control = ProtoField.uint8("gue.control", "Control", base.DEC, nil, 0x20)
f.hlen = ProtoField.uint8("gue.hlen", "Words of extensions", base.DEC, nil, 0x1f)
f.proto = ProtoField.uint8("gue.proto", "Protocol")
f.flags = ProtoField.uint16("gue.flags", "Flags", base.HEX)
f.kind = ProtoField.uint16("gue.private", "Private data", base.HEX, kinds)
f.hops = ProtoField.uint8("gue.hops", "Hops left")
f.prev4 = ProtoField.ipv4("gue.prev", "Previous real")
f.prev6 = ProtoField.ipv6("gue.prev6", "Previous real")
local odd = ProtoExpert.new("gue.odd", "not what the balancer sends", expert.group.MALFORMED, expert.severity.ERROR)
gue.experts = { odd }

local inner = { [4] = Dissector.get("ip"), [41] = Dissector.get("ipv6") }

local function private(buf, tree)
	local kind, len = buf(0, 2):uint(), buf:len()

	tree:add(f.kind, buf(0, 2))
	tree:add(f.hops, buf(2, 1))
	if kind == 0x4c01 and len == 8 then
		tree:add(f.prev4, buf(4, 4))
	elseif kind == 0x4c01 and len == 20 then
		tree:add(f.prev6, buf(4, 16))
	elseif kind ~= 0x4c02 or len ~= 4 then
		tree:add_proto_expert_info(odd)
	end
	if buf(3, 1):uint() ~= 0 then
		tree:add_proto_expert_info(odd)
	end
end

function gue.dissector(buf, pkt, root)
	local len = 4 + 4 * (buf(0, 1):uint() % 32)
	local proto = inner[buf(1, 1):uint()]
	local tree = root:add(gue, buf(0, len))

	tree:add(f.variant, buf(0, 1))
	tree:add(f.control, buf(0, 1))
	tree:add(f.hlen, buf(0, 1))
	tree:add(f.proto, buf(1, 1))
	tree:add(f.flags, buf(2, 2))
	if len > 4 then
		private(buf(4, len - 4):tvb(), tree)
	end
	if buf(0, 1):uint() >= 0x20 or buf(2, 2):uint() ~= 0 or not proto then
		tree:add_proto_expert_info(odd)
		return
	end
	proto:call(buf(len):tvb(), pkt, root)
end

DissectorTable.get("udp.port"):add(6080, gue)
