package io.vpasid.it.invariant;

import io.vpasid.it.walker.KnownLengths;
import io.vpasid.it.walker.LinuxWalker;
import io.vpasid.it.walker.Step;
import io.vpasid.it.walker.Walk;
import io.vpasid.it.walker.Walker;
import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.emulation.GuestConfigSpace;
import io.vpasid.synth.FurtherResult;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.Synthesizer;
import io.vpasid.synth.placement.Placement;
import io.vpasid.synth.placement.Strategy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SplittableRandom;

/// The invariants as checks of one trial, each judged by the walkers, a table of least lengths, the
/// raw bytes and what the quirk files were written from, and not by what the engine says of itself.
final class Invariants {
  private static final int ATS = 0x0f;
  private static final int PRI = 0x13;
  private static final int HEAD = 0x100;
  private static final int NEXT_POINTER = 0xfff00000;
  private static final int ALL = 0xffffffff;

  private Invariants() {}

  /// All of them.
  static void all(Trial trial) {
    i1(trial);
    i2(trial);
    i3(trial);
    i4(trial);
    i5(trial);
    i6(trial);
  }

  /// Every capability reachable in the vfio view is reachable in the guest view, at the same
  /// offset, with the same bytes except next pointers and the emulated control words of ATS and
  /// PRI.
  static void i1(Trial trial) {
    byte[] view = trial.view();
    byte[] guest = trial.guest();
    if (!Arrays.equals(view, 0, 0x100, guest, 0, 0x100)) {
      throw new AssertionError("the first 256 bytes are not the view's");
    }
    List<Walk> before = new ArrayList<>();
    for (Walker walker : Walker.ALL) {
      before.add(walker.walk(view));
    }
    int[] mayDiffer = mayDiffer(trial, before);
    for (int i = 0; i < before.size(); i++) {
      Walker walker = Walker.ALL.get(i);
      Walk after = walker.walk(guest);
      if (!after.standard().equals(before.get(i).standard())) {
        throw violated(walker, "the standard list is now " + after.standard());
      }
      for (Step capability : before.get(i).capabilities()) {
        if (capability.extendedId() != Trial.PASID) {
          requireSame(trial, walker, capability, after, mayDiffer);
        }
      }
    }
  }

  /// Per dword the bits that are emulated.
  private static int[] mayDiffer(Trial trial, List<Walk> before) {
    int[] mayDiffer = new int[0x400];
    for (Walk walk : before) {
      for (Step step : walk.extended()) {
        allow(mayDiffer, step.offset(), NEXT_POINTER);
      }
      for (Step step : walk.capabilities()) {
        switch (step.extendedId()) {
          case ATS -> allow(mayDiffer, step.offset() + 4, 0xffff0000);
          case PRI -> {
            allow(mayDiffer, step.offset() + 4, 0x7fffffff);
            allow(mayDiffer, step.offset() + 12, ALL);
          }
          case Trial.PASID -> allowSlot(mayDiffer, step.offset());
          default -> {}
        }
      }
    }
    // In a region the device's own capability has to be guessed, and a guess may be wrong.
    for (var hidden : trial.request().view().hidden()) {
      if (hidden.id().value() == Trial.PASID && hidden.offset() >= HEAD) {
        allowSlot(mayDiffer, hidden.offset());
      }
    }
    trial.synthesis().ifPresent(s -> allowSlot(mayDiffer, s.offset()));
    return mayDiffer;
  }

  private static void allowSlot(int[] mayDiffer, int offset) {
    allow(mayDiffer, offset, ALL);
    allow(mayDiffer, offset + 4, ALL);
  }

  private static void allow(int[] mayDiffer, int offset, int mask) {
    if (offset >>> 2 < mayDiffer.length) {
      mayDiffer[offset >>> 2] |= mask;
    }
  }

  private static void requireSame(
      Trial trial, Walker walker, Step capability, Walk after, int[] mayDiffer) {
    if (!isAt(after.capabilities(), capability.offset())) {
      throw violated(walker, capability + " is lost, the guest has " + after.extended());
    }
    int length = KnownLengths.ofExtended(trial.view(), capability);
    for (int at = capability.offset(); at < capability.offset() + length; at++) {
      int differs = (trial.view()[at] ^ trial.guest()[at]) & 0xff;
      if ((differs & ~(mayDiffer[at >>> 2] >>> ((at & 3) << 3))) != 0) {
        throw violated(walker, capability + " has another byte at " + hex(at));
      }
    }
  }

  private static boolean isAt(List<Step> steps, int offset) {
    for (Step step : steps) {
      if (step.offset() == offset) {
        return true;
      }
    }
    return false;
  }

  /// The capability is reachable by every program that takes the function for PCI Express, with
  /// version 1, as the first of its kind; so are the further ones; and the list that they are put
  /// into has an end.
  static void i2(Trial trial) {
    if (trial.synthesis().isEmpty()) {
      return;
    }
    Synthesis synthesis = trial.synthesis().get();
    boolean ours = synthesis.placement().strategy() != Strategy.PRESENT;
    for (Walker walker : Walker.ALL) {
      Walk walk = walker.walk(trial.guest());
      if (walk.express()) {
        Optional<Step> found = walk.find(Trial.PASID);
        if (found.filter(s -> s.offset() == synthesis.offset()).isEmpty()) {
          throw violated(walker, synthesis.range() + " is not reached in " + walk.extended());
        }
        if (ours && found.get().version() != 1) {
          throw violated(walker, "version of " + found.get());
        }
        for (FurtherResult.Placed further : trial.further()) {
          boolean isReached =
              walk.extended().stream()
                  .anyMatch(s ->
                      s.offset() == further.offset()
                          && s.extendedId() == further.capability().id().value()
                          && s.version() == further.capability().version());
          if (!isReached) {
            throw violated(
                walker, further.placement().range() + " is not reached in " + walk.extended());
          }
        }
        if (!walk.extendedEnds()) {
          throw violated(walker, "no end of " + walk.extended());
        }
      }
    }
  }

  /// Its 8 bytes touch no extent, no quirk range, and no non-zero byte, unless somebody says so;
  /// nor do those of the further capabilities, which do not touch each other either.
  static void i3(Trial trial) {
    if (trial.synthesis().isEmpty()) {
      return;
    }
    Placement vpasid = trial.synthesis().get().placement();
    require(vpasid.range().length() == 8, vpasid.range(), "is no PASID capability's");
    requireLegal(trial, vpasid);
    List<ByteRange> taken = new ArrayList<>(List.of(vpasid.range()));
    for (FurtherResult.Placed further : trial.further()) {
      ByteRange range = further.placement().range();
      require(range.length() == further.capability().length(), range, "has another length");
      requireOutside(range, bytesOf(taken), "another placed capability");
      requireLegal(trial, further.placement());
      taken.add(range);
    }
  }

  private static void requireLegal(Trial trial, Placement placement) {
    ByteRange hole = placement.range();
    require((hole.offset() & 3) == 0, hole, "is not aligned");
    require(hole.offset() >= HEAD && hole.end() <= 0x1000, hole, "is outside");
    if (placement.strategy() != Strategy.PRESENT) {
      requireOutside(hole, listed(trial.view()), "a listed capability");
    }
    KnownQuirks.Entry quirks = quirksOf(trial);
    switch (placement.strategy()) {
      case PRESENT ->
          require(isPasidHeader(trial.view(), hole.offset()), hole, "has no PASID capability");
      case OWN_SLOT ->
          require(
              isPasidHeader(trial.view(), hole.offset()) || trial.physicalPasid().contains(hole),
              hole,
              "has no hidden PASID capability");
      case REQUESTED -> {
        require(
            trial.input().policy().offset().equals(Optional.of(hole.offset())),
            hole,
            "was not requested");
        if (!trial.input().policy().shadowing() && !trial.physicalPasid().contains(hole)) {
          requireFree(trial, hole, quirks);
        }
      }
      case PINNED ->
          require(quirks.place().equals(Optional.of(hole.offset())), hole, "is named by no quirk");
      case SHADOWED ->
          require(
              trial.input().policy().shadowing() && isWithin(hole, quirks.shadow()),
              hole,
              "may not be shadowed");
      case AVAILABLE -> {
        require(
            isWithin(hole, trial.input().policy().available())
                || isWithin(hole, quirks.available()),
            hole,
            "is declared available by nobody");
        requireFree(trial, hole, quirks);
      }
      case EMPTY_HEAD, ZERO_HOLE, RISKY_ZERO_HOLE -> requireFree(trial, hole, quirks);
    }
  }

  private static void requireFree(Trial trial, ByteRange hole, KnownQuirks.Entry quirks) {
    byte[] host = trial.input().host().bytes();
    requireOutside(hole, bytesOf(quirks.hidden()), "hidden registers of a quirk");
    requireZero(hole, trial.view(), "view");
    requireZero(withoutHead(hole), host, "host");
    for (ConfigSpace other : trial.input().others()) {
      requireZero(withoutHead(hole), other.toByteArray(), "other capture");
    }
    require(hole.end() <= unrepeated(trial.view()), hole, "is in mirrored space");
    BitSet owned = new BitSet();
    if (trial.knowsWhatIsHidden()) {
      owned.or(listed(host));
    }
    owned.or(bytesOf(trial.input().host().owned()));
    if (trial.input().fromRegion()) {
      clearHiddenHead(owned, trial);
    }
    requireOutside(hole, owned, "a capability of the host");
  }

  /// Takes out what vfio-pci hides at 0x100: a region shows its length nowhere, because the header
  /// there is vfio-pci's copy.
  private static void clearHiddenHead(BitSet owned, Trial trial) {
    if ((dword(trial.view(), HEAD) & 0xffff)
        != (dword(trial.input().host().bytes(), HEAD) & 0xffff)) {
      int next = dword(trial.view(), HEAD) >>> 20;
      owned.clear(HEAD, next < HEAD ? 0x1000 : next);
    }
  }

  /// Without the dword at 0x100: vfio-pci keeps a copy of the header there, and where it hides all
  /// capabilities the copy is 0 whatever the hardware has.
  private static ByteRange withoutHead(ByteRange range) {
    return range.offset() == HEAD ? ByteRange.between(HEAD + 4, range.end()) : range;
  }

  /// The bytes of all capabilities that any of the walkers reaches, but for PASID: a new one may
  /// take the place of the device's own.
  private static BitSet listed(byte[] config) {
    BitSet listed = new BitSet();
    if (config.length > HEAD) {
      for (Walker walker : Walker.ALL) {
        for (Step step : walker.walk(config).capabilities()) {
          if (step.extendedId() != Trial.PASID) {
            listed.set(step.offset(), step.offset() + KnownLengths.ofExtended(config, step));
          }
        }
      }
    }
    return listed;
  }

  /// Where the space starts to repeat the ids at its start, or its end.
  private static int unrepeated(byte[] view) {
    int id = dword(view, 0);
    for (int period = 0x100; period < view.length && id != 0 && id != ALL; period *= 2) {
      boolean repeats = true;
      for (int at = period; at < view.length; at += period) {
        repeats &= dword(view, at) == id;
      }
      if (repeats) {
        return period;
      }
    }
    return view.length;
  }

  private static boolean isPasidHeader(byte[] config, int offset) {
    return (dword(config, offset) & 0xffff) == Trial.PASID;
  }

  private static boolean isWithin(ByteRange hole, List<ByteRange> ranges) {
    return ranges.stream().anyMatch(range -> range.contains(hole));
  }

  private static void requireZero(ByteRange hole, byte[] bytes, String whose) {
    for (int at = hole.offset(); at < Math.min(hole.end(), bytes.length); at++) {
      if (bytes[at] != 0) {
        throw new AssertionError("the " + whose + " is not 0 in " + hole);
      }
    }
  }

  private static void requireOutside(ByteRange hole, BitSet bytes, String whose) {
    int first = bytes.nextSetBit(hole.offset());
    if (first >= 0 && first < hole.end()) {
      throw new AssertionError(hole + " meets " + whose);
    }
  }

  private static BitSet bytesOf(List<ByteRange> ranges) {
    BitSet bytes = new BitSet();
    for (ByteRange range : ranges) {
      bytes.set(range.offset(), range.end());
    }
    return bytes;
  }

  /// No guest access of any offset, width and value reaches the device inside an emulated range:
  /// the hole, and the registers of the physical PASID capability, shown or not.
  ///
  /// A header at 0x100 is vfio-pci's copy, and nobody's registers. Whether one that vfio-pci hides
  /// there is the physical PASID capability's cannot be seen in a region.
  static void i4(Trial trial) {
    if (trial.view().length == 0x100) {
      return;
    }
    List<ByteRange> ranges = new ArrayList<>();
    trial.synthesis().ifPresent(s -> ranges.add(s.range()));
    trial.further().forEach(f -> ranges.add(f.placement().range()));
    if (trial.knowsWhatIsHidden()) {
      List<Step> shown = new LinuxWalker().walk(trial.view()).extended();
      for (ByteRange slot : trial.physicalPasid()) {
        boolean isBroken = isAt(shown, slot.offset() + 4);
        boolean isHiddenHead = slot.offset() == HEAD && trial.input().fromRegion();
        if (!isBroken && !isHiddenHead) {
          ranges.add(withoutHead(slot));
        }
      }
    }
    GuestConfigSpace guest = trial.over(new GuardedDevice(trial.view(), ranges));
    SplittableRandom random = new SplittableRandom(Arrays.hashCode(trial.view()));
    for (ByteRange range : ranges) {
      for (int offset = range.offset() - 4; offset < range.end() + 4; offset++) {
        access(guest, offset, random);
      }
    }
    for (int i = 0; i < 8; i++) {
      access(guest, random.nextInt(-4, 0x1004), random);
    }
  }

  private static void access(GuestConfigSpace guest, int offset, SplittableRandom random) {
    for (int width = 1; width <= 4; width *= 2) {
      guest.read(offset, width);
      guest.write(offset, width, random.nextInt());
      guest.write(offset, width, ALL);
      guest.read(offset, width);
    }
  }

  /// No PASID is shown where hw-info reports none; the width shown is never above the host's, a
  /// quirk's or 20, nor EXEC and PRIV beyond them; nothing else in the guest's list has the id, and
  /// nothing is enabled.
  static void i5(Trial trial) {
    int shown = trial.synthesis().map(Synthesis::offset).orElse(-1);
    if (shown < 0 && LinuxWalker.hasNoExtendedSpace(trial.view())) {
      return; // What EDK2 would find above 256 bytes, vfio-pci does not show.
    }
    for (Walker walker : Walker.ALL) {
      for (Step step : walker.walk(trial.guest()).capabilities()) {
        if (step.extendedId() == Trial.PASID && step.offset() != shown) {
          throw violated(walker, "another PASID capability: " + step);
        }
      }
    }
    if (shown < 0) {
      return;
    }
    HardwareInfo host = trial.input().hardware();
    KnownQuirks.Entry quirks = quirksOf(trial);
    int registers = dword(trial.guest(), shown + 4);
    int width = registers >>> 8 & 0x1f;
    boolean isWidthAllowed =
        width >= 1
            && width <= 20
            && width <= host.maxPasidLog2()
            && (quirks.width() == 0 || width <= quirks.width());
    boolean isExecAllowed = (registers & 2) == 0 || (host.exec() && !quirks.execOff());
    boolean isPrivAllowed = (registers & 4) == 0 || (host.priv() && !quirks.privOff());
    boolean isRestZero = (registers & 0xffffe0f9) == 0;
    if (!isWidthAllowed || !isExecAllowed || !isPrivAllowed || !isRestZero || quirks.refused()) {
      throw new AssertionError("registers " + hex(registers) + " for " + host + ", " + quirks);
    }
  }

  /// Equal input gives an equal result.
  static void i6(Trial trial) {
    if (!Synthesizer.synthesize(trial.input().request()).equals(trial.result())) {
      throw new AssertionError("another result at the second time");
    }
  }

  private static KnownQuirks.Entry quirksOf(Trial trial) {
    return trial.input().quirks().of(trial.request().view().config().id().vendor());
  }

  private static int dword(byte[] bytes, int offset) {
    return (bytes[offset] & 0xff)
        | (bytes[offset + 1] & 0xff) << 8
        | (bytes[offset + 2] & 0xff) << 16
        | bytes[offset + 3] << 24;
  }

  private static String hex(int value) {
    return String.format(Locale.ROOT, "%03x", value);
  }

  private static void require(boolean condition, ByteRange hole, String violation) {
    if (!condition) {
      throw new AssertionError(hole + " " + violation);
    }
  }

  private static AssertionError violated(Walker walker, String violation) {
    return new AssertionError(walker.name() + ": " + violation);
  }
}
