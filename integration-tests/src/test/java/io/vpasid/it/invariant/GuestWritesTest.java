package io.vpasid.it.invariant;

import io.vpasid.it.space.HostSpaces;
import io.vpasid.pci.emulation.ConfigPatch;
import io.vpasid.pci.emulation.GuestConfigSpace;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Guest writes of random values everywhere, against a model of what each register makes of them.
@Tag("I4")
@Tag("I8")
class GuestWritesTest {
  private static final int CASES = 20_000;
  private static final int CAPTURED_CASES = 5_000;
  private static final int WRITES = 100;

  private static List<KnownQuirks> quirks;

  @BeforeAll
  static void makeQuirks(@TempDir Path folder) {
    quirks = KnownQuirks.tables(24, folder);
  }

  @Test
  void registersTakeWhatTheSpecificationLetsThem() {
    new Trials(HostSpaces.made(), quirks).forAll(CASES, GuestWritesTest::writeEverywhere);
  }

  @Needs(Need.CAPTURES)
  @Test
  void registersOfCapturedFunctionsDoToo() {
    new Trials(HostSpaces.captured(), quirks)
        .forAll(CAPTURED_CASES, GuestWritesTest::writeEverywhere);
  }

  /// Page Request Interface leads to its own second dword, where a null capability is: that is a
  /// header of the list then, no register.
  @Test
  void headerOnARegisterStaysAHeader() {
    byte[] bytes = FunctionBytes.express();
    FunctionBytes.put32(bytes, 0x100, 0x1041_0013);
    FunctionBytes.put32(bytes, 0x104, 0x0200_0000);

    Trials.attempt(
        "header on a register", FunctionBytes.on(bytes), GuestWritesTest::writeEverywhere);
  }

  /// ATS leads to all ones, which Linux takes for a header that leads to 0xffc, and that to the
  /// control register of ATS: that stays a register, because the list has ended before.
  @Test
  void registerBehindTheEndOfTheListStaysARegister() {
    byte[] bytes = FunctionBytes.express();
    FunctionBytes.put32(bytes, 0x100, 0x7041_000f);
    FunctionBytes.put32(bytes, 0x104, 0x0004_0000);
    FunctionBytes.put32(bytes, 0x704, -1);
    FunctionBytes.put32(bytes, 0xffc, 0x1040_0000);

    Trials.attempt(
        "no header", FunctionBytes.on(bytes, "width=20,no-ats"), GuestWritesTest::writeEverywhere);
  }

  private static void writeEverywhere(Trial trial) {
    Memory memory = new Memory(trial.view().clone());
    GuestConfigSpace guest = trial.over(memory);
    RegisterModel model = RegisterModel.of(trial);
    RandomGenerator random = new SplittableRandom(trial.view().length + trial.guest()[0]);
    for (int i = 0; i < WRITES; i++) {
      int offset = offset(trial, random);
      int width = 1 << random.nextInt(3);
      int value = random.nextInt(4) == 0 ? -1 : random.nextInt();
      guest.write(offset, width, value);
      model.write(offset, width, value);
      model.requireEqual(guest, offset & ~3);
      model.requireEqual(guest, offset + width - 1 & ~3);
    }
    for (int offset = 0; offset < trial.view().length; offset += 4) {
      model.requireEqual(guest, offset);
    }
    memory.requireUntouched(trial);
    guest.reset();
    for (ConfigPatch patch : trial.result().patches()) {
      model.requireInitial(guest, patch.offset());
    }
  }

  /// Often where something is emulated, and just beside it.
  private static int offset(Trial trial, RandomGenerator random) {
    var patches = trial.result().patches();
    return patches.isEmpty() || random.nextInt(3) == 0
        ? random.nextInt(-8, 0x1008)
        : patches.get(random.nextInt(patches.size())).offset() + random.nextInt(-3, 7);
  }
}
