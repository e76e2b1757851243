package io.vpasid.guest.scenario;

import static io.vpasid.guest.scenario.Unexpected.require;

import io.vpasid.guest.emulator.EmulatedGuest;
import io.vpasid.guest.emulator.EnableOutcome;
import io.vpasid.guest.emulator.Enumeration;
import io.vpasid.synth.json.JsonCursor.Place;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.SortedMap;

/// The steps of a guest that reads and writes the configuration space of its function.
final class ConfigSteps {
  private static final int PASID_CAPABILITY = 0x1b;
  private static final int PCI_EXPRESS = 0x10;
  private static final int DEVICE_CONTROL = 0x08;
  private static final int INITIATE_FLR = 0x8000;

  private final Machine machine;
  private final EmulatedGuest guest;
  private final Random random;

  ConfigSteps(Machine machine, Random random) {
    this.machine = machine;
    guest = new EmulatedGuest(machine);
    this.random = random;
  }

  void enumerate(Step.Enumerate step) {
    Enumeration seen = guest.enumerate();
    int pasid = seen.extendedCapability(PASID_CAPABILITY).orElse(0);
    require(
        step.place(),
        step.pasid().isEmpty() || step.pasid().get() == pasid,
        "the guest must find %s, and finds %s"
            .formatted(step.pasid().map(ConfigSteps::pasidAt).orElse(""), pasidAt(pasid)));
    require(
        step.place(),
        step.size().isEmpty() || step.size().get() == seen.configSize(),
        "the guest must find %s bytes of configuration space, and finds %s"
            .formatted(step.size().orElse(0), seen.configSize()));
    List<Integer> offsets = seen.extendedCapabilities().stream().map(f -> f.offset()).toList();
    require(
        step.place(),
        step.offsets().isEmpty() || step.offsets().get().equals(offsets),
        "the guest must find extended capabilities at %s, and finds them at %s"
            .formatted(hex(step.offsets().orElse(List.of())), hex(offsets)));
  }

  private static String pasidAt(int offset) {
    return offset == 0
        ? "no PASID capability"
        : String.format(Locale.ROOT, "a PASID capability at 0x%03x", offset);
  }

  private static List<String> hex(List<Integer> offsets) {
    return offsets.stream().map(o -> String.format(Locale.ROOT, "0x%03x", o)).toList();
  }

  void enable(Step.Enable step, Bindings bindings) {
    switch (guest.enablePasid()) {
      case EnableOutcome.NotEnabled refused ->
          require(
              step.place(),
              !step.succeeds(),
              "the guest must be able to enable PASIDs, and cannot: " + refused.why());
      case EnableOutcome.Enabled enabled -> {
        require(
            step.place(), step.succeeds(), "the guest must not be able to enable PASIDs, and can");
        step.width()
            .ifPresent(width ->
                require(
                    step.place(),
                    width.in(bindings) == enabled.width(),
                    "PASIDs must have %s bits, and have %s"
                        .formatted(width.in(bindings), enabled.width())));
        step.exec().ifPresent(must -> permission(step, "Execute", must, enabled.exec()));
        step.priv().ifPresent(must -> permission(step, "Privileged Mode", must, enabled.priv()));
      }
    }
  }

  private static void permission(Step.Enable step, String what, boolean must, boolean is) {
    require(
        step.place(),
        must == is,
        what + " must be " + (must ? "enabled" : "off") + ", and is " + (is ? "enabled" : "off"));
  }

  void disable() {
    guest.disablePasid();
  }

  private int offsetOf(Register register, Place place) {
    return register
        .offsetIn(guest.enumerate())
        .orElseThrow(() ->
            new Unexpected(
                place, "the function has no " + register.name() + ": its capability is missing"));
  }

  void read(Step.Read step) {
    Register register = step.register();
    int value = machine.read(offsetOf(register, step.place()), register.width());
    String form = "0x%0" + 2 * register.width() + "x";
    require(
        step.place(),
        ((value ^ step.value()) & step.mask()) == 0,
        String.format(
            Locale.ROOT,
            "%s must be " + form + " in the bits " + form + ", and is " + form,
            register.name(),
            step.value(),
            step.mask(),
            value));
  }

  void write(Step.Write step, Bindings bindings) {
    machine.write(
        offsetOf(step.register(), step.place()),
        step.register().width(),
        step.value().in(bindings));
  }

  /// A function-level reset, as a guest begins it.
  void reset(Place place) {
    int express =
        guest
            .enumerate()
            .capability(PCI_EXPRESS)
            .orElseThrow(() -> new Unexpected(place, "the function has no PCI Express capability"));
    int control = machine.read(express + DEVICE_CONTROL, 2);
    machine.write(express + DEVICE_CONTROL, 2, control | INITIATE_FLR);
  }

  void scribble(Step.Scribble step) {
    SortedMap<Integer, String> before = machine.attachedOnHost();
    Enumeration seen = guest.enumerate();
    for (int i = 0; i < step.writes(); i++) {
      int width = 1 << random.nextInt(3);
      int offset = random.nextInt(step.from(), step.to() + 1);
      machine.write(offset, width, random.nextInt());
    }
    require(
        step.place(),
        before.equals(machine.attachedOnHost()),
        "writes must attach and detach nothing: before %s, now %s"
            .formatted(before, machine.attachedOnHost()));
    require(
        step.place(),
        seen.extendedCapabilities().equals(guest.enumerate().extendedCapabilities()),
        "writes must not change the list of extended capabilities");
  }
}
