package io.vpasid.pci.capability;

import java.util.Locale;

/// Something in a configuration space that the specification does not have, or that software treats
/// in different ways.
///
/// @param kind what it is
/// @param offset where: the pointer, header or capability that it is about
/// @param value what stands there: the pointer's or header's value, the other capability's offset,
///   or the distance after which the space repeats, as the kind says
public record Anomaly(Kind kind, int offset, int value) {

  /// A kind of oddity.
  public enum Kind {
    /// A pointer has one of its two reserved low bits set; they are ignored. The value is the
    /// pointer.
    UNALIGNED_POINTER("pointer 0x%2$03x has reserved low bits set"),
    /// A pointer leads into the header, or from the extended list below 0x100; the list ends there.
    /// The value is the pointer.
    POINTER_INTO_HEADER("pointer 0x%2$03x leads into the header"),
    /// A pointer leads to a capability that the walk has seen; the list ends there. The value is
    /// the pointer.
    LOOP("pointer 0x%2$03x leads back into the list"),
    /// A pointer leads to a lower offset. Allowed, but some software expects an ascending list. The
    /// value is the pointer.
    BACKWARD_POINTER("pointer 0x%2$03x leads backward"),
    /// The list leads to a header of zeros; it ends there. The value is the offset of the pointer's
    /// owner.
    CHAIN_INTO_ZEROS("the capability at 0x%2$03x leads to a header of zeros"),
    /// The list leads to a header of all ones; it ends there. The value is the offset of the
    /// pointer's owner.
    CHAIN_INTO_ALL_ONES("the capability at 0x%2$03x leads to a header of all ones"),
    /// The list leads to a header that the dump does not have; what follows is not known. The value
    /// is the offset of the pointer's owner.
    NOT_IN_DUMP("the capability at 0x%2$03x leads here, and this is not in the dump"),
    /// A null capability (id 0) in a live list; the list goes on behind it. The value is the
    /// header.
    NULL_CAPABILITY("null capability, header 0x%2$08x"),
    /// The extended list starts with a header that names no capability (id 0 and version 0, or id
    /// 0xffff) and only links to the next, as vfio-pci leaves it where it hides the first
    /// capability. The value is the header.
    PLACEHOLDER_HEAD("the list starts with a placeholder, header 0x%2$08x"),
    /// A capability that a function has at most once is there again. The value is the offset of the
    /// first.
    DUPLICATE_ID("the same capability is already at 0x%2$03x"),
    /// Two capabilities claim the same bytes. The value is the offset of the other.
    OVERLAP("shares bytes with the capability at 0x%2$03x"),
    /// There are extended capabilities, but no PCI Express capability: Linux does not look at them.
    /// The value is the header at 0x100.
    EXTENDED_WITHOUT_PCI_EXPRESS("extended capabilities without a PCI Express capability"),
    /// The extended space repeats the bytes below it: nothing behind it is registers of its own.
    /// The value is the distance after which it repeats, 0x100, 0x200, 0x400 or 0x800.
    MIRRORED("the space repeats every 0x%2$03x bytes"),
    /// The extended space reads as all ones: it cannot be reached. The value is the dword at 0x100.
    UNREADABLE("the extended space reads as all ones");

    private final String meaning;

    Kind(String meaning) {
      this.meaning = meaning;
    }
  }

  /// The place and what is odd there: `at 0x148: pointer 0x100 leads back into the list`.
  @Override
  public String toString() {
    return String.format(Locale.ROOT, "at 0x%1$03x: " + kind.meaning, offset, value);
  }
}
