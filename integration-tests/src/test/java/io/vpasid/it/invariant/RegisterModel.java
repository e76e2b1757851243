package io.vpasid.it.invariant;

import io.vpasid.it.walker.LinuxWalker;
import io.vpasid.it.walker.Step;
import io.vpasid.it.walker.Walk;
import io.vpasid.pci.emulation.ConfigPatch;
import io.vpasid.pci.emulation.GuestConfigSpace;
import io.vpasid.synth.FurtherResult;
import io.vpasid.synth.Synthesis;
import java.util.BitSet;
import java.util.Locale;
import java.util.Optional;

/// What the registers of a guest view hold, told bit by bit: those that are not emulated are
/// memory, those that are take writes as the PCI Express Base Specification 7.0 has it for PASID
/// Control (7.8.9.3), ATS Control (10.5.1.3), Page Request Control and Status (10.5.2.3, 10.5.2.4)
/// and Outstanding Page Request Allocation (10.5.2.6), and none anywhere else.
final class RegisterModel {
  private static final int PASID_ENABLE = 1 << 16;
  private static final int EXEC_ENABLE = 1 << 17;
  private static final int PRIV_ENABLE = 1 << 18;
  private static final int ATS_ENABLE_AND_UNIT = 0x801f0000;
  private static final int PRI_ENABLE = 1;
  private static final int PRI_RESET = 2;
  private static final int PRI_FAILURES = 3 << 16;
  private static final int PRI_STOPPED = 1 << 24;
  private static final int NONE = -1;

  private final int[] initial = new int[0x400];
  private final int[] dwords = new int[0x400];
  private final BitSet emulated = new BitSet();
  private final BitSet ats = new BitSet();
  private final BitSet pri = new BitSet();
  private final int size;
  private int pasid = NONE;

  private RegisterModel(byte[] guest) {
    size = guest.length;
    for (int offset = 0; offset < size; offset++) {
      initial[offset >>> 2] |= (guest[offset] & 0xff) << ((offset & 3) << 3);
    }
    System.arraycopy(initial, 0, dwords, 0, initial.length);
  }

  /// The model of a trial's guest view.
  static RegisterModel of(Trial trial) {
    RegisterModel model = new RegisterModel(trial.guest());
    for (ConfigPatch patch : trial.result().patches()) {
      model.emulated.set(patch.offset() >>> 2);
    }
    // The last dword of a further capability takes any value, as memory does.
    for (FurtherResult.Placed further : trial.further()) {
      for (ConfigPatch register : further.capability().registers()) {
        model.emulated.clear((further.offset() + register.offset()) >>> 2);
      }
    }
    Optional<Synthesis> synthesis = trial.synthesis();
    if (synthesis.isPresent()) {
      model.pasid = synthesis.get().registers() >>> 2;
      Walk walk = new LinuxWalker().walk(trial.view());
      BitSet headers = new BitSet();
      // The list ends at all ones, though Linux goes on from there, to 0xffc and wherever that
      // leads.
      walk.extended().stream()
          .takeWhile(step -> step.offset() >= 0x100 && step.header() != -1)
          .forEach(step -> headers.set(step.offset() >>> 2));
      for (Step step : walk.capabilities()) {
        int second = (step.offset() >>> 2) + 1;
        // A damaged list may have a header there, of which only the pointer is emulated.
        boolean isRegister = model.emulated.get(second) && !headers.get(second);
        model.ats.set(second, step.extendedId() == 0x0f && isRegister);
        model.pri.set(second, step.extendedId() == 0x13 && isRegister);
      }
    }
    return model;
  }

  void write(int offset, int width, int value) {
    for (int first = offset; first < offset + width; first = (first & ~3) + 4) {
      int end = Math.min(offset + width, (first & ~3) + 4);
      int mask = (-1 >>> (32 - ((end - first) << 3))) << ((first & 3) << 3);
      int shifted = (value >>> ((first - offset) << 3)) << ((first & 3) << 3);
      if (first >= 0 && first < size) {
        int dword = first >>> 2;
        dwords[dword] =
            emulated.get(dword)
                ? emulated(dword, mask, shifted)
                : (dwords[dword] & ~mask) | (shifted & mask);
      }
    }
  }

  private int emulated(int dword, int mask, int value) {
    int now = dwords[dword];
    if (dword == pasid) {
      return pasid(now, mask, value);
    }
    if (ats.get(dword)) {
      return set(now, mask & ATS_ENABLE_AND_UNIT, value);
    }
    if (pri.get(dword)) {
      return pri(now, mask, value);
    }
    // Outstanding Page Request Allocation.
    return dword >= 2 && pri.get(dword - 2) ? set(now, mask, value) : now;
  }

  /// Permissions are enabled only if they are supported, and do not change while PASID stays on.
  private static int pasid(int now, int mask, int value) {
    int writable = PASID_ENABLE | ((now & 2) << 16) | ((now & 4) << 16);
    int next = set(now, mask & writable, value);
    boolean staysOn = (now & next & PASID_ENABLE) != 0;
    int permissions = EXEC_ENABLE | PRIV_ENABLE;
    return staysOn ? set(next, permissions, now) : next;
  }

  /// Failures are cleared by writing 1, or by a reset while the interface is off; a reset reads as
  /// 0; the interface is stopped when it is off.
  private static int pri(int now, int mask, int value) {
    int next = set(now, mask & PRI_ENABLE, value);
    next &= ~(value & mask & PRI_FAILURES);
    boolean isOn = (next & PRI_ENABLE) != 0;
    if ((value & mask & PRI_RESET) != 0 && !isOn) {
      next &= ~PRI_FAILURES;
    }
    return isOn ? next & ~PRI_STOPPED : next | PRI_STOPPED;
  }

  private static int set(int now, int mask, int value) {
    return (now & ~mask) | (value & mask);
  }

  void requireEqual(GuestConfigSpace guest, int offset) {
    require(guest, offset, dwords);
  }

  void requireInitial(GuestConfigSpace guest, int offset) {
    require(guest, offset, initial);
  }

  private void require(GuestConfigSpace guest, int offset, int[] expected) {
    int read = guest.read(offset, 4);
    boolean isInside = offset >= 0 && offset < size;
    int wanted = isInside ? expected[offset >>> 2] : -1;
    if (read != wanted) {
      throw new AssertionError(
          String.format(Locale.ROOT, "0x%03x reads %08x and should be %08x", offset, read, wanted));
    }
  }
}
