package io.vpasid.vmm.frontend.vtd;

/// A function asks the guest for a page (section 7.5.1).
///
/// @param requester which function, with or without PASID
/// @param group page request group index, 0 to 511; the answer names it
/// @param last whether it is the last of its group, which the guest answers
/// @param address of the page; the low 12 bits are ignored
/// @param read wants to read
/// @param write wants to write
/// @param execute wants to execute
/// @param privileged with the supervisor's privilege
public record PageRequest(
    Requester requester,
    int group,
    boolean last,
    long address,
    boolean read,
    boolean write,
    boolean execute,
    boolean privileged) {

  /// @throws IllegalArgumentException if the group is out of its range
  public PageRequest {
    if ((group & ~0x1ff) != 0) {
      throw new IllegalArgumentException("Page request groups are 0 to 511, not " + group + ".");
    }
  }

  /// Fate of a page request.
  public enum Outcome {
    /// It is in the guest's queue. If it was the last of its group, [VtdBackend#pageResponse]
    /// brings the answer, or [VtdBackend#pageRequestsDropped] says that none comes.
    QUEUED,
    /// The guest's queue is full or cannot be written; the guest is told so (PRS.PRO). The guest
    /// will never answer: if it was the last of its group, whoever asks has to be answered with
    /// [PageResponse.Code#SUCCESS], whereupon it tries again (section 7.4.1).
    OVERFLOW,
    /// The guest wants no page requests of this function, with this PASID, or at all. A fault is
    /// recorded where the specification has one. If it was the last of its group, whoever asks has
    /// to be answered with [PageResponse.Code#INVALID_REQUEST].
    REFUSED
  }
}
