package io.vpasid.guest.emulator.vtd;

import io.vpasid.guest.emulator.IommuPort;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/// The registers of a remapping unit, by their names in the VT-d specification (section 11.4), with
/// the waits that a driver makes for them.
final class Unit {
  static final int CAP = 0x08;
  static final int ECAP = 0x10;
  static final int GCMD = 0x18;
  static final int GSTS = 0x1c;
  static final int RTADDR = 0x20;
  static final int FSTS = 0x34;
  static final int IQH = 0x80;
  static final int IQT = 0x88;
  static final int IQA = 0x90;
  static final int PQH = 0xc0;
  static final int PQT = 0xc8;
  static final int PQA = 0xd0;
  static final int PRS = 0xdc;

  static final int TE = 1 << 31;
  static final int SRTP = 1 << 30;
  static final int QIE = 1 << 26;

  /// The commands that last; the others are done once.
  private static final int LASTING = TE | QIE;

  static final int FSTS_PFO = 1;
  static final int FSTS_PPF = 2;
  static final int FSTS_IQE = 1 << 4;
  static final int FSTS_ITE = 1 << 6;

  /// Time that a unit may take for anything, also on a busy host that itself is emulated.
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  private static final int SPINS = 1000;
  private static final long BETWEEN_LOOKS = 20_000;

  private final IommuPort port;

  Unit(IommuPort port) {
    this.port = port;
  }

  int read4(int offset) {
    return (int) port.readRegister(offset, Integer.BYTES);
  }

  long read8(int offset) {
    return port.readRegister(offset, Long.BYTES);
  }

  void write4(int offset, int value) {
    port.writeRegister(offset, Integer.BYTES, Integer.toUnsignedLong(value));
  }

  void write8(int offset, long value) {
    port.writeRegister(offset, Long.BYTES, value);
  }

  /// Gives a command, and waits until it is done.
  ///
  /// @param on what is to be on from now on, or to be done once
  /// @param off what is to be off
  void command(int on, int off) {
    int now = read4(GSTS) & LASTING;
    write4(GCMD, (now | on) & ~off);
    await("the command 0x%x".formatted(on | off), () -> (read4(GSTS) & (on | off)) == on);
  }

  /// Waits.
  ///
  /// @param what for people, behind "does not do"
  /// @throws DriverException after [#PATIENCE]
  static void await(String what, BooleanSupplier done) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    for (int i = 0; !done.getAsBoolean(); i++) {
      if (i < SPINS) {
        Thread.onSpinWait();
      } else {
        LockSupport.parkNanos(BETWEEN_LOOKS);
        if (System.nanoTime() > end) {
          throw new DriverException(
              "the IOMMU does not do %s within %s s".formatted(what, PATIENCE.toSeconds()));
        }
      }
    }
  }
}
