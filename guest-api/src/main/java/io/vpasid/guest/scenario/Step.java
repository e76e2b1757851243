package io.vpasid.guest.scenario;

import io.vpasid.guest.emulator.vtd.DmaEngineDriver.End;
import io.vpasid.guest.scenario.Machine.EventKind;
import io.vpasid.synth.json.JsonCursor.Place;
import io.vpasid.vmm.iommufd.simulated.Request;
import io.vpasid.vmm.linux.Errno;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;

/// One thing that a scenario does, and what must come of it.
sealed interface Step {

  /// Most steps that a scenario does, repetitions included, so that it ends in some minutes.
  long MAX_WEIGHT = 100_000_000;

  /// Where it is written.
  Place place();

  /// How many steps these are with all repetitions; more than [#MAX_WEIGHT] may be any number
  /// above.
  static long weight(List<Step> steps) {
    long weight = 0;
    for (Step step : steps) {
      weight +=
          switch (step) {
            case Repeat repeat -> repeat.times() * weight(repeat.steps());
            case Scribble scribble -> scribble.writes();
            case Hostile hostile -> hostile.entries();
            case FailEachCall fail -> FailEachCall.MOST_TIMES * weight(fail.steps());
            default -> 1;
          };
      if (weight > MAX_WEIGHT) {
        return MAX_WEIGHT + 1;
      }
    }
    return weight;
  }

  /// The guest looks for capabilities.
  ///
  /// @param pasid offset that its PASID capability must have; 0: there must be none; empty: any
  /// @param size bytes of configuration space that it must find; empty: any
  /// @param offsets of all extended capabilities, in the order of the list; empty: any
  record Enumerate(
      Place place, Optional<Integer> pasid, Optional<Integer> size, Optional<List<Integer>> offsets)
      implements Step {}

  /// The guest enables PASIDs as Linux does.
  ///
  /// @param succeeds whether it must work
  /// @param width bits of a PASID that it must read; empty: any
  /// @param exec whether it must get Execute Permission; empty: either
  /// @param priv whether it must get Privileged Mode; empty: either
  record Enable(
      Place place,
      boolean succeeds,
      Optional<Value> width,
      Optional<Boolean> exec,
      Optional<Boolean> priv)
      implements Step {}

  /// The guest disables PASIDs.
  record Disable(Place place) implements Step {}

  /// The guest reads a register.
  ///
  /// @param register which
  /// @param value what the bits of the mask must be
  /// @param mask the bits that count
  record Read(Place place, Register register, int value, int mask) implements Step {}

  /// The guest writes a register.
  record Write(Place place, Register register, Value value) implements Step {}

  /// The guest asks for a PASID to be attached.
  ///
  /// @param expected the errno that must come of it, with number 0 for none
  /// @param replaces the address space that it must have had before; empty: whatever
  record Attach(Place place, Value pasid, String space, Errno expected, Optional<String> replaces)
      implements Step {}

  /// The guest asks for a PASID to be detached.
  ///
  /// @param expected the errno that must come of it, with number 0 for none
  /// @param from the address space that it must have had, empty text for none; empty: whatever
  record Detach(Place place, Value pasid, Errno expected, Optional<String> from) implements Step {}

  /// The function is reset.
  ///
  /// @param byGuest by a function-level reset of the guest, or else from the host's side
  /// @param expected the errno that must come of it, with number 0 for none
  record Reset(Place place, boolean byGuest, Errno expected) implements Step {}

  /// The function is taken away from the guest; nothing may be left attached.
  record Unplug(Place place) implements Step {}

  /// A request to the host's kernel shall fail.
  ///
  /// @param every whether all of its kind fail, or the next one
  record Fail(Place place, Request request, Errno errno, boolean every) implements Step {}

  /// Something must have happened since the last such step, or happen soon.
  ///
  /// @param pasid the PASID it must have happened to; empty: whichever
  record Await(Place place, EventKind event, Optional<Value> pasid) implements Step {}

  /// The host must have attached what the guest was told is attached, and that is this.
  ///
  /// @param attached address space by PASID; empty: whatever it is
  /// @param count how many PASIDs; empty: any number
  record Check(Place place, Optional<SortedMap<Integer, String>> attached, Optional<Value> count)
      implements Step {}

  /// Steps again and again, with new random numbers each time.
  record Repeat(Place place, int times, List<RandomNumber> random, List<Step> steps)
      implements Step {}

  /// A random number that steps can name.
  ///
  /// @param min lowest, included
  /// @param max highest, included
  record RandomNumber(String name, int min, int max) {}

  /// The guest writes random values of random widths to random offsets; afterwards what is attached
  /// must be as before, and the list of capabilities too.
  ///
  /// @param from first offset
  /// @param to last offset
  record Scribble(Place place, int writes, int from, int to) implements Step {}

  /// Steps again and again; the first time the first request that they make to the host's kernel
  /// fails, then the second, until all have failed once. A step whose request fails must say so and
  /// change nothing.
  record FailEachCall(Place place, Errno errno, List<Step> steps) implements Step {
    /// How often steps are assumed to be done at most.
    static final long MOST_TIMES = 100;
  }

  /// The machine is compared with a migration target that has another function.
  ///
  /// @param to what the target has
  /// @param fits whether the guest must find the same there
  record Migrate(Place place, Setup to, boolean fits) implements Step {}

  /// A step of a guest with a virtual IOMMU, which no other can do.
  sealed interface OfIommu extends Step {}

  /// When the guest's driver tells the IOMMU what it has changed.
  enum Tell {
    /// At once, and it waits until that is done.
    WAIT,
    /// With the next that waits: until then it stands in the queue.
    QUEUE,
    /// Not at all.
    NOTHING
  }

  /// The guest's driver sets the IOMMU up and switches translation on.
  record IommuEnable(Place place) implements OfIommu {}

  /// The guest's driver switches translation off.
  record IommuDisable(Place place) implements OfIommu {}

  /// The guest maps pages.
  ///
  /// @param table by name; the first use makes it
  /// @param address of the first page
  record MapPages(Place place, String table, long address, int pages, boolean writable, Tell tell)
      implements OfIommu {}

  /// The guest unmaps pages.
  record UnmapPages(Place place, String table, long address, int pages, Tell tell)
      implements OfIommu {}

  /// A process reads 8 bytes, whose value must be as said, or writes them.
  record Touch(Place place, String table, long address, boolean write, Value value)
      implements OfIommu {}

  /// The guest writes a PASID's entry.
  ///
  /// @param pasid empty for the function itself
  /// @param table by name; empty for pass-through
  /// @param succeeds whether the host must do it, or refuse
  record Bind(
      Place place, Optional<Value> pasid, Optional<String> table, boolean succeeds, Tell tell)
      implements OfIommu {}

  /// The guest takes a PASID's entry away.
  ///
  /// @param pasid empty for the function itself
  record Unbind(Place place, Optional<Value> pasid, Tell tell) implements OfIommu {}

  /// The guest tells of changes that it has not told of yet, and waits.
  ///
  /// @param pasid whose entry has changed; empty: any
  record Invalidate(Place place, Optional<Value> pasid) implements OfIommu {}

  /// The function reads or writes 8 bytes of the guest's memory.
  ///
  /// @param pasid empty for the function itself
  /// @param value what must be read, or is written
  /// @param pageRequests whether it asks for pages that are not there
  record Dma(
      Place place,
      Optional<Value> pasid,
      long address,
      boolean write,
      Value value,
      boolean pageRequests,
      End expected)
      implements OfIommu {}

  /// The DMA that waits must end.
  record DmaEnd(Place place, End expected) implements OfIommu {}

  /// The function must have asked for a page; the guest answers.
  ///
  /// @param pasid empty for the function itself
  /// @param write whether it must want to write; empty: either
  record PageRequest(
      Place place, Optional<Value> pasid, long address, Optional<Boolean> write, PageAnswer answer)
      implements OfIommu {}

  /// An answer of a guest to a page request, with its code.
  enum PageAnswer {
    /// The page is there now.
    SUCCESS(0),
    /// There is no such page.
    INVALID_REQUEST(1),
    /// The guest can handle no more of them.
    RESPONSE_FAILURE(15);

    private final int code;

    PageAnswer(int code) {
      this.code = code;
    }

    int code() {
      return code;
    }
  }

  /// The IOMMU must have recorded a fault.
  ///
  /// @param pasid empty for the function itself
  /// @param address empty: any
  record Fault(Place place, Optional<Value> pasid, FaultKind kind, Optional<Long> address)
      implements OfIommu {}

  /// Why a fault was recorded.
  enum FaultKind {
    /// There is no context entry for the function.
    NO_CONTEXT,
    /// The PASID has no entry.
    NO_ENTRY,
    /// The entry asks for what the host has refused.
    REFUSED,
    /// The page is not mapped.
    NOT_PRESENT,
    /// The address is beyond what the page table has.
    BEYOND_TABLE,
    /// The page may not be written.
    NO_WRITE,
    /// The page may not be read.
    NO_READ;

    /// The kind of a fault, by the number that the specification has for it in either stage
    /// (section 7.1.3); empty if it is another.
    static Optional<FaultKind> of(int reason) {
      return switch (reason) {
        case 0x39, 0x41 -> Optional.of(NO_CONTEXT);
        case 0x51, 0x59 -> Optional.of(NO_ENTRY);
        case 0x5b -> Optional.of(REFUSED);
        case 0x71, 0x79 -> Optional.of(NOT_PRESENT);
        case 0x80, 0x83, 0x84 -> Optional.of(BEYOND_TABLE);
        case 0x85 -> Optional.of(NO_WRITE);
        case 0x86 -> Optional.of(NO_READ);
        default -> Optional.empty();
      };
    }

    boolean matches(int reason) {
      return of(reason).filter(this::equals).isPresent();
    }
  }

  /// The guest does its IOMMU all the harm it can, and then drives it as before.
  ///
  /// @param entries how many it puts into the queue
  /// @param seconds in which all must be done
  record Hostile(Place place, int entries, int seconds) implements OfIommu {}
}
