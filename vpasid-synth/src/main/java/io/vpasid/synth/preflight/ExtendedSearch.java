package io.vpasid.synth.preflight;

/// One walk of Linux through the extended list, in search of one id.
///
/// @param offset of the capability; 0 if the walk did not find it
/// @param stop why the walk ended
/// @param last offset of the last header that was read
/// @param header that header
/// @param headers how many were read, the last included
/// @param placeholder offset of the first placeholder (id 0, version 0, a next pointer) before the
///   end; 0 if there was none
/// @param allOnes offset of the first header of all ones before the end; 0 if there was none
record ExtendedSearch(
    int offset, Stop stop, int last, int header, int headers, int placeholder, int allOnes) {

  /// The ways in which a walk ends.
  enum Stop {
    /// The id was found.
    FOUND,
    /// A next pointer of 0.
    END,
    /// A next pointer below 0x100 other than 0.
    POINTER_BELOW,
    /// A header of zeros.
    ZERO_HEADER,
    /// The last header that Linux allows itself has a successor.
    LIMIT
  }

  boolean found() {
    return stop == Stop.FOUND;
  }
}
