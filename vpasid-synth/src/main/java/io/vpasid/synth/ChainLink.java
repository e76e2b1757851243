package io.vpasid.synth;

import java.util.Optional;

/// Place of a capability in the guest's list of extended capabilities.
///
/// @param header the capability's own header dword
/// @param predecessor offset of the capability or null header that leads to it; empty if it is the
///   head of the list
/// @param predecessorHeader what the view has in that header dword, or at 0x100 where the
///   capability is the head
/// @param next offset of the capability behind it, 0 at the end of the list
public record ChainLink(
    int header, Optional<Integer> predecessor, int predecessorHeader, int next) {}
