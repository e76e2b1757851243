package io.vpasid.vmm.frontend.vtd;

import static io.vpasid.vmm.frontend.vtd.Bits.field;
import static io.vpasid.vmm.frontend.vtd.Bits.has;
import static io.vpasid.vmm.frontend.vtd.Bits.mask;

import org.jspecify.annotations.Nullable;

/// Invalidation queue descriptors (sections 6.5.2 and 7.6.1): 128 or 256 bits, of which the upper
/// 128 are 0.
///
/// ```text
/// type: bits 11:9 and 3:0 of word 0
///                     63   52 51 50 49 48 47    32 31     16 15 12 11 9 8   7   6  5   4 3   0
/// 1 context cache    |    0     |  FM   |  SID   |   DID   |  0  |typ|      0    |  G  |  1  |
/// 2 IOTLB            |               0          |   DID   |  0  |typ| 0| DR| DW |  G  |  2  |
/// 3 device TLB       | PFSID  |  0      |  SID   | 0 |MIP  |PFSID|typ|         0       |  3  |
/// 5 wait             |       status data        |      0        |typ| 0|PD|FN|SW| IF  |  5  |
/// 6 PASID IOTLB      |   0    |     PASID        |   DID   |  0  |typ|      0    |  G  |  6  |
/// 7 PASID cache      |   0    |     PASID        |   DID   |  0  |typ|      0    |  G  |  7  |
/// 8 PASID device TLB | PFSID  |     PASID        |   SID   |PFSID|typ|  MIP            |  8  |
/// 9 page group resp. |   0    |     PASID        |   SID   |code |typ|  0  | ign | PP  |  9  |
///
///                     63                              12 11 10    7   6   5  3 2 1  0
/// 2, 6 word 1        |          address                |     0    | IH|     AM        |
/// 3 word 1           |          address                |           0            |  S   |
/// 5 word 1           |          status address 63:2                         |    0    |
/// 8 word 1           |          address                | S|         0          |  G   |
/// 9 word 1           |             0                   |  group index   | ign|    0   |
/// ```
///
/// Type 4 (interrupt entry cache) needs interrupt remapping, which is not offered.
final class Descriptor {
  static final int CONTEXT_CACHE = 1;
  static final int IOTLB = 2;
  static final int DEVICE_TLB = 3;
  static final int WAIT = 5;
  static final int PASID_IOTLB = 6;
  static final int PASID_CACHE = 7;
  static final int PASID_DEVICE_TLB = 8;
  static final int PAGE_GROUP_RESPONSE = 9;

  private static final long TYPE = 0xe0f;
  private static final long ADDRESS_RESERVED = mask(11, 7);

  private final VtdCapabilities capabilities;

  Descriptor(VtdCapabilities capabilities) {
    this.capabilities = capabilities;
  }

  /// The type, 7 bits.
  static int type(long word0) {
    return (int) ((word0 & 0xf) | ((word0 >>> 5) & 0x70));
  }

  /// G, bits 5:4 of word 0.
  static int granularity(long word0) {
    return field(word0, 5, 4);
  }

  /// Bits 31:16 of word 0: DID, or the source id of types 8 and 9.
  static int id(long word0) {
    return field(word0, 31, 16);
  }

  /// Bits 47:32 of word 0: the source id of types 1 and 3.
  static int sourceId(long word0) {
    return field(word0, 47, 32);
  }

  /// PASID, bits 51:32 of word 0.
  static int pasid(long word0) {
    return field(word0, 51, 32);
  }

  /// The error of a descriptor; null if it has none.
  ///
  /// @param scalable the mode
  /// @param words 4 words; the upper two 0 if descriptors have 128 bits
  @Nullable QueueError check(boolean scalable, long[] words) {
    int type = type(words[0]);
    if (!offers(type, scalable)) {
      return QueueError.TYPE;
    }
    boolean reserved =
        (words[0] & ~(allowed(type) | TYPE)) != 0
            || reservedInWord1(type, words[1])
            || (type != PAGE_GROUP_RESPONSE && (words[2] | words[3]) != 0);
    return reserved || badGranularity(type, words) ? QueueError.RESERVED : null;
  }

  private boolean offers(int type, boolean scalable) {
    return switch (type) {
      case CONTEXT_CACHE, IOTLB, WAIT -> true;
      case DEVICE_TLB -> capabilities.deviceTlb();
      case PASID_IOTLB, PASID_CACHE -> scalable;
      case PASID_DEVICE_TLB -> scalable && capabilities.deviceTlb();
      case PAGE_GROUP_RESPONSE -> scalable && capabilities.pageRequests();
      default -> false;
    };
  }

  private long allowed(int type) {
    return switch (type) {
      case CONTEXT_CACHE -> mask(49, 16) | mask(5, 4);
      case IOTLB -> mask(31, 16) | mask(7, 4);
      case DEVICE_TLB -> mask(63, 52) | mask(47, 32) | mask(20, 12);
      case WAIT -> mask(63, 32) | (capabilities.pageRequestDrain() ? mask(7, 4) : mask(6, 4));
      case PASID_IOTLB, PASID_CACHE -> mask(51, 16) | mask(5, 4);
      case PASID_DEVICE_TLB -> mask(63, 12) | mask(8, 4);
      // Bit 5 said, before specification 4.0, that there is private data.
      default -> mask(51, 12) | mask(5, 4);
    };
  }

  private static boolean reservedInWord1(int type, long word) {
    long reserved =
        switch (type) {
          case CONTEXT_CACHE, PASID_CACHE -> -1;
          case IOTLB, PASID_IOTLB -> ADDRESS_RESERVED;
          case DEVICE_TLB -> mask(11, 1);
          case WAIT -> 3;
          case PASID_DEVICE_TLB -> mask(10, 1);
          // Bit 2 said, before specification 4.0, that it is the last page of its group.
          default -> mask(63, 12) | 3;
        };
    return (word & reserved) != 0;
  }

  private boolean badGranularity(int type, long[] words) {
    int granularity = granularity(words[0]);
    return switch (type) {
      case CONTEXT_CACHE -> granularity == 0;
      case IOTLB ->
          granularity == 0
              || (granularity == 3 && field(words[1], 5, 0) > capabilities.addressMask());
      case PASID_IOTLB -> granularity < 2;
      case PASID_CACHE -> granularity == 2;
      default -> false;
    };
  }

  /// How many pages an address mask covers: a power of two, 2^52 for everything.
  static long pages(int addressMask) {
    return 1L << Math.min(addressMask, 52);
  }

  /// The first page of a range.
  static long firstPage(long word1, long pages) {
    return pages == 1L << 52 ? 0 : word1 & ~0xfffL & -(pages << 12);
  }

  /// How many pages a device TLB invalidation covers: with S, as many as the lowest clear bit of
  /// the address says, from bit 12 on.
  ///
  /// @param size S
  static long deviceTlbPages(long word1, boolean size) {
    if (!size) {
      return 1;
    }
    return pages(Long.numberOfTrailingZeros(~(word1 >>> 12)) + 1);
  }

  /// S of type 3.
  static boolean sizeOfDeviceTlb(long word1) {
    return has(word1, 0);
  }

  /// S of type 8.
  static boolean sizeOfPasidDeviceTlb(long word1) {
    return has(word1, 11);
  }
}
