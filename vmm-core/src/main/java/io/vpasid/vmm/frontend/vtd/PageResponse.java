package io.vpasid.vmm.frontend.vtd;

/// A guest's answer to a group of page requests (section 7.6.1).
///
/// A guest may answer a group that nobody has asked about, or answer twice; whoever hands it on
/// checks that.
///
/// @param requester whose page requests
/// @param group page request group index, 0 to 511
/// @param code what has become of them
public record PageResponse(Requester requester, int group, Code code) {

  /// Response codes (PCI Express Base Specification, section 10.4.2.1).
  public enum Code {
    /// 0: the pages are there; the function tries again.
    SUCCESS,
    /// 1, and every reserved code: there is no such page, or not with these rights.
    INVALID_REQUEST,
    /// 15: something is wrong with the guest; the function stops asking for pages.
    RESPONSE_FAILURE
  }
}
