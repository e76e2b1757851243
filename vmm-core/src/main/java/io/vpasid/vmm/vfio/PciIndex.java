package io.vpasid.vmm.vfio;

/// The indexes that a PCI function's regions and interrupts have (`<linux/vfio.h>`).
public final class PciIndex {
  /// Region of the first base address register; the other five follow.
  public static final int BAR0_REGION = 0;

  /// Region of the last base address register.
  public static final int BAR5_REGION = 5;

  /// Region of the expansion ROM.
  public static final int ROM_REGION = 6;

  /// Region of the configuration space.
  public static final int CONFIG_REGION = 7;

  /// Region of the legacy VGA ranges.
  public static final int VGA_REGION = 8;

  /// Number of regions that every PCI function describes, the empty ones included.
  public static final int REGIONS = 9;

  /// The interrupt pin.
  public static final int INTX_IRQ = 0;

  /// Message signalled interrupts.
  public static final int MSI_IRQ = 1;

  /// Extended message signalled interrupts.
  public static final int MSIX_IRQ = 2;

  /// Tells the VMM of an uncorrectable error.
  public static final int ERR_IRQ = 3;

  /// Asks the VMM to give the device back.
  public static final int REQ_IRQ = 4;

  /// Number of interrupt types that every PCI function describes, the empty ones included.
  public static final int IRQS = 5;

  private PciIndex() {}
}
