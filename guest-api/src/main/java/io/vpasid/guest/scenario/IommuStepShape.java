package io.vpasid.guest.scenario;

import static io.vpasid.guest.scenario.ParameterCursor.flag;
import static io.vpasid.guest.scenario.ParameterCursor.known;
import static io.vpasid.guest.scenario.ParameterCursor.number;
import static io.vpasid.guest.scenario.ParameterCursor.orName;
import static io.vpasid.guest.scenario.ParameterCursor.text;
import static io.vpasid.guest.scenario.StepShape.action;

import io.vpasid.guest.emulator.vtd.DmaEngineDriver.End;
import io.vpasid.guest.scenario.Step.FaultKind;
import io.vpasid.guest.scenario.Step.PageAnswer;
import io.vpasid.guest.scenario.Step.Tell;
import io.vpasid.guest.scenario.StepShape.Action;
import io.vpasid.guest.scenario.StepShape.Making;
import io.vpasid.synth.json.Fields;
import io.vpasid.synth.json.Form;
import io.vpasid.synth.json.JsonCursor;
import io.vpasid.synth.json.Key;
import io.vpasid.synth.json.Rule;
import io.vpasid.synth.json.Shape;
import java.util.List;
import java.util.Optional;

/// The steps of a guest with a virtual IOMMU: for each its keys, and what makes a step of them.
final class IommuStepShape {

  private static final int PAGE = 4096;

  /// Half of what a first stage of four levels translates, and all of it that is a process's.
  private static final long LAST_ADDRESS = 0x7fff_ffff_ffffL;

  private static final int MOST_PAGES = 1024;
  private static final int MOST_ENTRIES = 100_000;
  private static final int MOST_SECONDS = 600;
  private static final int USUAL_SECONDS = 60;
  private static final int LAST_PASID = (1 << 20) - 1;

  private static final Form<Long> PAGE_PLACE =
      Form.hex("0x400000", LAST_ADDRESS)
          .check((address, json, what) -> multipleOf(PAGE, address, json, what))
          .with("pattern", "^0x0*(0|[0-9a-fA-F]{1,9}000)$");
  private static final Form<Long> WORD_PLACE =
      Form.hex("0x400000", LAST_ADDRESS)
          .check((address, json, what) -> multipleOf(Long.BYTES, address, json, what))
          .with("pattern", "^0x0*[0-9a-fA-F]{0,11}[08]$");

  private static final Key<String> TABLE =
      Key.of(
              "table",
              text().check(IommuStepShape::table),
              "The name of a page table; the first use makes it.")
          .required("add it");
  private static final Key<String> TO_TABLE =
      Key.of("table", text(), "The name of a page table, or pass-through; the first use makes it.")
          .required("add it");
  private static final Key<Long> PAGE_ADDRESS =
      Key.of("address", PAGE_PLACE, "Of the first page, a multiple of 0x1000.").required("add it");
  private static final Key<Long> ADDRESS =
      Key.of("address", WORD_PLACE, "Of the 8 bytes, a multiple of 8.").required("add it");
  private static final Key<Integer> PAGES =
      Key.of("pages", known(1, MOST_PAGES), "How many, of 4 KiB.").or(1, 1);
  private static final Key<Boolean> WRITABLE =
      Key.of("writable", flag(), "Whether they may be written.").or(true, true);
  private static final Key<Tell> TELL =
      Key.of(
              "tell",
              orName(Form.constant(Tell.class)),
              "When the IOMMU is told: at once, and the guest waits; with the next that waits; or not"
                  + " at all.")
          .or(Tell.WAIT, "wait");
  private static final Key<Value> PASID =
      Key.of("pasid", number(0, LAST_PASID), "The PASID. Without it, or 0, the function itself.");
  private static final Key<Value> CHANGED =
      Key.of("pasid", number(0, LAST_PASID), "Whose entry has changed. Without it, everything.");
  private static final Key<Boolean> BOUND =
      Key.of(
              "expect",
              StepKeys.either("ok", "refused"),
              "Whether the host must do it, or refuse; then the PASID is left on nothing.")
          .or(true, "ok");
  private static final Key<Value> READ =
      Key.of("read", number(0, -1), "It reads, and this must be what it reads.");
  private static final Key<Value> WRITE = Key.of("write", number(0, -1), "It writes this.");
  private static final Rule READ_OR_WRITE =
      Rule.oneOf(
          "neither reads nor writes; add \"read\" or \"write\"",
          "both reads and writes; leave \"read\" or \"write\" out",
          READ,
          WRITE);
  private static final Key<Boolean> PAGE_REQUESTS =
      Key.of("pageRequests", flag(), "Whether it asks for a page that is not there.")
          .or(false, false);
  private static final Key<End> DMA_END =
      Key.of("expect", orName(Form.constant(End.class)), "What must come of it.")
          .or(End.DONE, "done");
  private static final Key<Long> REQUESTED =
      Key.of("address", PAGE_PLACE, "Of the page that it must have asked for.").required("add it");
  private static final Key<Boolean> TO_WRITE =
      Key.of("to", StepKeys.either("write", "read"), "What it must want to do with it.");
  private static final Key<PageAnswer> ANSWER =
      Key.of("answer", orName(Form.constant(PageAnswer.class)), "What the guest answers.")
          .or(PageAnswer.SUCCESS, "success");
  private static final Key<FaultKind> REASON =
      Key.of("reason", orName(Form.constant(FaultKind.class)), "Why.").required("add it");
  private static final Key<Long> FAULT_ADDRESS =
      Key.of("address", PAGE_PLACE, "Of the page, a multiple of 0x1000. Without it, any.");
  private static final Key<Integer> ENTRIES =
      Key.of("entries", known(1, MOST_ENTRIES), "How many it puts into the queue.")
          .required("add it");
  private static final Key<Integer> SECONDS =
      Key.of("seconds", known(1, MOST_SECONDS), "How long the IOMMU may take for all of them.")
          .or(USUAL_SECONDS, USUAL_SECONDS);

  static final List<Action> ACTIONS =
      List.of(
          of(
              "iommuEnable",
              "The guest's IOMMU driver sets its IOMMU up and switches translation on, as Linux does;"
                  + " nothing is bound unless it was before.",
              f -> new Step.IommuEnable(f.place())),
          of(
              "iommuDisable",
              "The guest's driver switches translation off; no PASID is attached any more.",
              f -> new Step.IommuDisable(f.place())),
          of(
              "map",
              "The guest maps pages of zeros in a page table, or changes the right to write them.",
              f ->
                  new Step.MapPages(
                      f.place(),
                      f.get(TABLE),
                      f.get(PAGE_ADDRESS),
                      f.get(PAGES),
                      f.get(WRITABLE),
                      f.get(TELL)),
              TABLE,
              PAGE_ADDRESS,
              PAGES,
              WRITABLE,
              TELL),
          of(
              "unmap",
              "The guest unmaps pages, which have to be mapped.",
              f ->
                  new Step.UnmapPages(
                      f.place(), f.get(TABLE), f.get(PAGE_ADDRESS), f.get(PAGES), f.get(TELL)),
              TABLE,
              PAGE_ADDRESS,
              PAGES,
              TELL),
          of(
              "touch",
              "A process of the guest reads or writes 8 bytes through a page table.",
              f ->
                  new Step.Touch(
                      f.place(),
                      f.get(TABLE),
                      f.get(ADDRESS),
                      f.has(WRITE),
                      f.find(WRITE).or(() -> f.find(READ)).orElseThrow()),
              Shape.of("\"touch\"", TABLE, ADDRESS, READ, WRITE).with(READ_OR_WRITE)),
          of(
              "bind",
              "The guest writes a PASID's table entry. The host must have attached what the IOMMU was"
                  + " told, and nothing else.",
              f ->
                  new Step.Bind(
                      f.place(),
                      f.find(PASID),
                      Optional.of(f.get(TO_TABLE))
                          .filter(name -> !name.equals(IommuSteps.PASS_THROUGH)),
                      f.get(BOUND),
                      f.get(TELL)),
              Shape.of("\"bind\"", PASID, TO_TABLE, BOUND, TELL)
                  .with(
                      Rule.of(
                          IommuStepShape::checkBind,
                          """
                          { "not": { "required": ["expect", "tell"],
                                     "properties": { "expect": { "const": "refused" },
                                                     "tell": { "enum": ["queue", "nothing"] } } } }
                          """))),
          of(
              "unbind",
              "The guest takes a PASID's table entry away. The host must have attached what the IOMMU"
                  + " was told, and nothing else.",
              f -> new Step.Unbind(f.place(), f.find(PASID), f.get(TELL)),
              PASID,
              TELL),
          of(
              "invalidate",
              "The guest tells its IOMMU of changes, and waits. The host must then have what the"
                  + " guest's tables say.",
              f -> new Step.Invalidate(f.place(), f.find(CHANGED)),
              CHANGED),
          of(
              "dma",
              "The function's DMA engine reads or writes 8 bytes through the IOMMU.",
              f ->
                  new Step.Dma(
                      f.place(),
                      f.find(PASID),
                      f.get(ADDRESS),
                      f.has(WRITE),
                      f.find(WRITE).or(() -> f.find(READ)).orElseThrow(),
                      f.get(PAGE_REQUESTS),
                      f.get(DMA_END)),
              Shape.of("\"dma\"", PASID, ADDRESS, READ, WRITE, PAGE_REQUESTS, DMA_END)
                  .with(READ_OR_WRITE)),
          of(
              "dmaEnd",
              "The DMA that waits for a page must end.",
              f -> new Step.DmaEnd(f.place(), f.get(DMA_END)),
              DMA_END),
          of(
              "pageRequest",
              "The function must have asked for a page; the guest answers.",
              f ->
                  new Step.PageRequest(
                      f.place(), f.find(PASID), f.get(REQUESTED), f.find(TO_WRITE), f.get(ANSWER)),
              PASID,
              REQUESTED,
              TO_WRITE,
              ANSWER),
          of(
              "fault",
              "The oldest fault that the IOMMU has recorded and no step has seen must be this. One that no"
                  + " step expects fails the scenario.",
              f -> new Step.Fault(f.place(), f.find(PASID), f.get(REASON), f.find(FAULT_ADDRESS)),
              PASID,
              REASON,
              FAULT_ADDRESS),
          of(
              "hostile",
              "The guest does its IOMMU all the harm it can: queue entries, registers and table bytes"
                  + " of any kind, which another CPU changes while they are read, and DMA. After it the"
                  + " host must have what was bound before, and nothing else.",
              f -> new Step.Hostile(f.place(), f.get(ENTRIES), f.get(SECONDS)),
              ENTRIES,
              SECONDS));

  private IommuStepShape() {}

  /// Makes a step of what a file says.
  @FunctionalInterface
  private interface Maker {
    Step.OfIommu make(Fields action);
  }

  private static Action of(String name, String description, Maker maker, Key<?>... keys) {
    return of(name, description, maker, Shape.of('"' + name + '"', keys));
  }

  private static Action of(String name, String description, Maker maker, Shape shape) {
    return action(
        name, description, (Fields f, Making making) -> making.with(f, maker.make(f)), shape);
  }

  private static String table(String name, JsonCursor json, String what) {
    if (name.equals(IommuSteps.PASS_THROUGH)) {
      throw json.wrong(what + " pass-through maps everything; name a page table");
    }
    return name;
  }

  private static long multipleOf(int size, long address, JsonCursor json, String what) {
    if (address % size != 0) {
      throw json.wrong("%s must be a multiple of 0x%x, not 0x%x".formatted(what, size, address));
    }
    return address;
  }

  private static void checkBind(Fields f) {
    f.require(
        f.get(BOUND) || f.get(TELL) == Tell.WAIT,
        "the host refuses what it is told; leave \"tell\" out, or \"expect\"");
  }
}
