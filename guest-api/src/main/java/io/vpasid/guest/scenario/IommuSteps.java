package io.vpasid.guest.scenario;

import static io.vpasid.guest.scenario.Unexpected.require;
import static java.util.stream.Collectors.joining;

import io.vpasid.guest.emulator.IommuPort;
import io.vpasid.guest.emulator.vtd.HostileGuest;
import io.vpasid.guest.emulator.vtd.PageTable;
import io.vpasid.guest.emulator.vtd.VtdDriver;
import io.vpasid.guest.emulator.vtd.VtdDriver.Fault;
import io.vpasid.guest.scenario.Step.Tell;
import io.vpasid.synth.json.JsonCursor.Place;
import io.vpasid.vmm.iommufd.Pasid;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;

/// The steps of a guest with a virtual IOMMU: a driver that does what they say, and what the host
/// must have after each, which follows from what the IOMMU was told.
final class IommuSteps {
  /// The table that is the guest's memory as it is.
  static final String PASS_THROUGH = "pass-through";

  /// For how many PASIDs the driver tells the same before it waits.
  private static final int AT_ONCE = 32;

  private final Machine machine;
  private final Optional<Integer> engineBar;
  private final VtdDriver driver;
  private final DmaSteps dma;
  private final Map<String, PageTable> tables = new LinkedHashMap<>();

  private final ToldEntries entries = new ToldEntries();
  private final List<Fault> faults = new ArrayList<>();

  IommuSteps(Machine machine, IommuPort port, Setup setup) {
    this.machine = machine;
    engineBar = setup.function().engineBar();
    driver = new VtdDriver(port);
    dma = new DmaSteps(port, driver, engineBar);
  }

  /// The names of page tables of which the IOMMU was told, by PASID.
  SortedMap<Integer, String> told() {
    return entries.told();
  }

  /// The names of page tables that the host has attached, by PASID.
  SortedMap<Integer, String> onHost() {
    Map<String, String> names = new LinkedHashMap<>();
    tables.forEach((name, table) -> names.put(table.toString(), name));
    SortedMap<Integer, String> named = new TreeMap<>();
    machine
        .attachedOnHost()
        .forEach((pasid, what) -> named.put(pasid, names.getOrDefault(what, what)));
    return named;
  }

  /// Every fault must have been expected by a step.
  void requireNoFaults(Place place) {
    faults.addAll(driver.takeFaults());
    require(place, faults.isEmpty(), "the IOMMU has recorded what no step expects: " + recorded());
  }

  private String recorded() {
    return faults.stream().map(StepText::of).collect(joining("; "));
  }

  void perform(Step.OfIommu step, Bindings bindings, Random random) {
    switch (step) {
      case Step.IommuEnable _ -> {
        driver.enable();
        entries.tellAll(true);
      }
      case Step.IommuDisable _ -> {
        driver.disable();
        entries.tellAll(false);
      }
      case Step.MapPages s -> map(s);
      case Step.UnmapPages s -> unmap(s);
      case Step.Touch s -> touch(s, bindings);
      case Step.Bind s -> bind(s, bindings);
      case Step.Unbind s -> unbind(s, bindings);
      case Step.Invalidate s -> invalidate(s, bindings);
      case Step.Dma s -> dma.start(s, bindings);
      case Step.DmaEnd s -> dma.end(s, bindings);
      case Step.PageRequest s -> dma.pageRequest(s, bindings);
      case Step.Fault s -> fault(s, bindings);
      case Step.Hostile s -> hostile(s, random);
    }
    if (changesEntries(step)) {
      requireOnHost(step.place(), StepText.of(step, bindings));
    }
    requireMapped(step.place());
  }

  /// Where the host has a copy of a page table, the copy maps what the page table does, as far as
  /// the IOMMU was told.
  private void requireMapped(Place place) {
    told()
        .forEach((pasid, name) -> {
          PageTable table = tables.get(name);
          if (pasid != 0 && table != null && entries.isTold(name)) {
            machine
                .mappedOnHost(new Pasid(pasid))
                .ifPresent(mapped ->
                    require(
                        place,
                        mapped == table.mapped(),
                        "the host's copy of %s for PASID %s must map %s bytes, and maps %s"
                            .formatted(name, pasid, table.mapped(), mapped)));
          }
        });
  }

  private static boolean changesEntries(Step.OfIommu step) {
    return switch (step) {
      case Step.IommuEnable _,
          Step.IommuDisable _,
          Step.Bind _,
          Step.Unbind _,
          Step.Invalidate _,
          Step.Hostile _ ->
          true;
      default -> false;
    };
  }

  private void requireOnHost(Place place, String what) {
    SortedMap<Integer, String> real = onHost();
    if (!real.equals(told())) {
      faults.addAll(driver.takeFaults());
    }
    require(
        place,
        real.equals(told()),
        "after %s the host must have %s attached, and has %s%s"
            .formatted(
                what,
                told(),
                real,
                faults.isEmpty() ? "" : "; the IOMMU has recorded " + recorded()));
  }

  /// Lets the IOMMU have what it is to be told.
  private void finish() {
    driver.finish();
    entries.finish();
  }

  // Page tables

  private PageTable table(String name) {
    return tables.computeIfAbsent(name, _ -> driver.newPageTable());
  }

  private void map(Step.MapPages step) {
    PageTable table = table(step.table());
    boolean losesRights = false;
    for (long address : addresses(step.address(), step.pages())) {
      losesRights |= !step.writable() && table.find(address).isPresent();
      table.map(address, step.writable());
    }
    entries.changeTable(step.table());
    if (losesRights) {
      tellUnmapped(step.table(), step.tell());
    } else if (isTold(step.tell())) {
      driver.tellMapped(table);
      entries.queueTable(step.table());
      finishIf(step.tell());
    }
  }

  private void unmap(Step.UnmapPages step) {
    PageTable table = table(step.table());
    for (long address : addresses(step.address(), step.pages())) {
      require(
          step.place(),
          table.unmap(address),
          "%s must be mapped in %s to be unmapped, and is not"
              .formatted(StepText.hex(address), step.table()));
    }
    entries.changeTable(step.table());
    tellUnmapped(step.table(), step.tell());
  }

  private static List<Long> addresses(long first, int pages) {
    List<Long> addresses = new ArrayList<>();
    for (int i = 0; i < pages; i++) {
      addresses.add(first + i * 4096L);
    }
    return addresses;
  }

  private void tellUnmapped(String name, Tell tell) {
    if (!isTold(tell)) {
      return;
    }
    int count = 0;
    for (int pasid : entries.users(name)) {
      driver.tellUnmapped(table(name), pasid);
      if (tell == Tell.WAIT && ++count % AT_ONCE == 0) {
        driver.finish();
      }
    }
    entries.queueTable(name);
    finishIf(tell);
  }

  private boolean isTold(Tell tell) {
    return entries.isEnabled() && tell != Tell.NOTHING;
  }

  private void finishIf(Tell tell) {
    if (tell == Tell.WAIT) {
      finish();
    }
  }

  private void touch(Step.Touch step, Bindings bindings) {
    OptionalLong place = table(step.table()).find(step.address());
    require(
        step.place(),
        place.isPresent(),
        "%s must have %s mapped, and has not"
            .formatted(step.table(), StepText.hex(step.address())));
    long value = Integer.toUnsignedLong(step.value().in(bindings));
    if (step.write()) {
      driver.store(place.orElseThrow(), value);
    } else {
      requireRead(step.place(), step.table(), value, driver.load(place.orElseThrow()));
    }
  }

  static void requireRead(Place place, String who, long must, long is) {
    require(
        place,
        must == is,
        "%s must read %s, and reads %s".formatted(who, StepText.hex(must), StepText.hex(is)));
  }

  // Entries

  static int pasid(Optional<Value> pasid, Bindings bindings) {
    return pasid.map(value -> value.in(bindings)).orElse(0);
  }

  private void bind(Step.Bind step, Bindings bindings) {
    int pasid = pasid(step.pasid(), bindings);
    Optional<PageTable> table = step.table().map(this::table);
    table.ifPresentOrElse(to -> driver.bind(pasid, to), () -> driver.passThrough(pasid));
    entries.write(pasid, step.table().orElse(PASS_THROUGH));
    tellChanged(pasid, table, step.tell());
    if (!step.succeeds()) {
      refused(step, pasid, bindings);
    }
  }

  /// The host has refused: the PASID is left on nothing, and the guest has a fault.
  private void refused(Step.Bind step, int pasid, Bindings bindings) {
    faults.addAll(driver.takeFaults());
    Optional<Fault> fault =
        faults.stream()
            .filter(each -> each.pasid() == pasid)
            .filter(each -> Step.FaultKind.REFUSED.matches(each.reason()))
            .findFirst();
    require(
        step.place(),
        fault.isPresent(),
        "the host must refuse to %s, and the IOMMU has recorded no such fault; the host has %s"
            .formatted(
                "bind " + StepText.who(step.pasid(), bindings) + " to " + entries.written(pasid),
                onHost()));
    faults.remove(fault.orElseThrow());
    entries.refuse(pasid);
  }

  private void unbind(Step.Unbind step, Bindings bindings) {
    int pasid = pasid(step.pasid(), bindings);
    Optional<PageTable> table = Optional.ofNullable(tables.get(entries.written(pasid)));
    entries.remove(pasid);
    driver.unbind(pasid);
    tellChanged(pasid, table, step.tell());
  }

  private void tellChanged(int pasid, Optional<PageTable> table, Tell tell) {
    if (isTold(tell)) {
      driver.tellChanged(pasid, table);
      entries.queue(pasid);
      finishIf(tell);
    }
  }

  private void invalidate(Step.Invalidate step, Bindings bindings) {
    require(
        step.place(),
        entries.isEnabled(),
        "translation must be on for the IOMMU to be told anything");
    if (step.pasid().isPresent()) {
      int pasid = pasid(step.pasid(), bindings);
      tellChanged(pasid, Optional.ofNullable(tables.get(entries.written(pasid))), Tell.WAIT);
    } else {
      driver.invalidateAll();
      entries.tellAll(true);
    }
  }

  // What the IOMMU tells

  private void fault(Step.Fault step, Bindings bindings) {
    faults.addAll(driver.takeFaults());
    String must =
        "the IOMMU must have recorded a fault of %s, %s%s"
            .formatted(
                StepText.who(step.pasid(), bindings),
                StepText.word(step.kind()),
                step.address().map(address -> " at " + StepText.hex(address)).orElse(""));
    require(step.place(), !faults.isEmpty(), must + ", and has recorded none");
    Fault oldest = faults.removeFirst();
    require(
        step.place(),
        step.kind().matches(oldest.reason())
            && oldest.pasid() == pasid(step.pasid(), bindings)
            && step.address().filter(address -> address != oldest.address()).isEmpty(),
        must + ", and has recorded " + StepText.of(oldest));
  }

  // Harm

  /// In two rounds, because what only the first one leaves behind is no leak.
  private void hostile(Step.Hostile step, Random random) {
    requireNoFaults(step.place());
    HostileGuest hostile = new HostileGuest(driver, engineBar.orElse(-1), random);
    Function<Integer, OptionalInt> round =
        count -> {
          hostile.run(count, Duration.ofSeconds(step.seconds()).dividedBy(2), machine::takeEvents);
          entries.tellAll(true);
          requireOnHost(step.place(), "a hostile guest");
          var _ = machine.takeEvents();
          return machine.objectsOnHost();
        };
    int before = round.apply(Math.max(1, step.entries() / 2)).orElse(0);
    int after = round.apply(Math.max(1, step.entries() - step.entries() / 2)).orElse(0);
    require(
        step.place(),
        before == after,
        "a hostile guest must leave nothing in the host's kernel, which had %d objects, and has %d"
            .formatted(before, after));
  }
}
