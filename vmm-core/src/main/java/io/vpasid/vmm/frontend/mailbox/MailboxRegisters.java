package io.vpasid.vmm.frontend.mailbox;

import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.emulation.ConfigPatch;
import io.vpasid.synth.FurtherCapability;
import java.util.List;

/// Registers of the mailbox: a Designated Vendor-Specific Extended Capability (PCI Express Base
/// Specification 7.0, section 7.9.6) with five registers.
///
/// ```text
///        31            20 19  16 15                    8 7          0
///  +0x00 |  Next pointer | Ver 1|     Capability ID 0x0023           |
///  +0x04 |  Length 0x020 | Rev 1|     DVSEC Vendor ID                |
///  +0x08 |  0                   |     DVSEC ID 0x0001                |
///  +0x0c |  Sequence            | Errno (15:4)        | 0 | O | B    |  Status   RO
///  +0x10 |  Sequence            | 0           | Operation           |  Control  RW
///  +0x14 |  0           | PASID (19:0)                              |  PASID    RW
///  +0x18 |  Handle of an address space                              |  Handle   RW
///  +0x1c |  Result                                                   |  Result   RO
///                                          B busy (bit 0), O overrun (bit 1)
/// ```
final class MailboxRegisters {
  static final int LENGTH = 0x20;
  static final int VERSION = 1;
  static final int REVISION = 1;
  static final int DVSEC_ID = 1;

  static final int STATUS = 0x0c;
  static final int CONTROL = 0x10;
  static final int PASID = 0x14;
  static final int HANDLE = 0x18;
  static final int RESULT = 0x1c;

  static final int BUSY = 1;
  static final int OVERRUN = 1 << 1;
  static final int ERRNO_SHIFT = 4;
  static final int ERRNO_MASK = 0xfff;
  static final int SEQUENCE_MASK = 0xffff0000;
  static final int OPERATION_MASK = 0xff;
  static final int PASID_MASK = 0xfffff;

  private MailboxRegisters() {}

  /// The capability, for the hole search.
  ///
  /// @param vendor the DVSEC Vendor ID, 16 bits
  static FurtherCapability capability(int vendor) {
    return new FurtherCapability(
        CapabilityId.DVSEC,
        VERSION,
        LENGTH,
        List.of(
            ConfigPatch.readOnly(0x04, LENGTH << 20 | REVISION << 16 | vendor),
            ConfigPatch.readOnly(0x08, DVSEC_ID),
            ConfigPatch.readOnly(STATUS, 0),
            ConfigPatch.register(CONTROL, 0, SEQUENCE_MASK | OPERATION_MASK),
            ConfigPatch.register(PASID, 0, PASID_MASK),
            ConfigPatch.register(HANDLE, 0, -1),
            ConfigPatch.readOnly(RESULT, 0)));
  }

  /// The status that answers a request.
  static int answer(int sequence, int errno) {
    return (sequence & SEQUENCE_MASK) | (errno & ERRNO_MASK) << ERRNO_SHIFT;
  }
}
