package io.vpasid.guest.scenario;

import io.vpasid.guest.emulator.ConfigPort;
import io.vpasid.guest.emulator.IommuPort;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.Request;
import io.vpasid.vmm.linux.Errno;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.SortedMap;

/// The machine of one guest of a scenario: a function, and a host behind it that can be told what
/// to do.
///
/// An embedding VMM lets scenarios run on itself by implementing this. One thread uses it.
///
/// Every method may throw [MachineException], which fails the scenario, and
/// [java.io.UncheckedIOException] if what all machines stand on is gone, which ends the run.
public interface Machine extends ConfigPort, AutoCloseable {

  /// Attaches a PASID to an address space, or moves it there.
  ///
  /// @param space the name of an address space; the machine makes it when it is first named
  Answer attach(Pasid pasid, String space);

  /// Detaches a PASID.
  Answer detach(Pasid pasid);

  /// Attaches a PASID as [#attach] does, between two looks at what is attached. A machine that is
  /// far away asks for all three at once.
  default Observed attachObserved(Pasid pasid, String space) {
    SortedMap<Integer, String> before = attached();
    Answer answer = attach(pasid, space);
    return new Observed(before, answer, attachedOnHost());
  }

  /// Detaches a PASID as [#detach] does, likewise.
  default Observed detachObserved(Pasid pasid) {
    SortedMap<Integer, String> before = attached();
    Answer answer = detach(pasid);
    return new Observed(before, answer, attachedOnHost());
  }

  /// Resets the function from the host's side.
  Answer reset();

  /// Takes the function away from the guest; afterwards only [#attachedOnHost] is asked.
  void unplug();

  /// The address spaces that the guest has been told are attached, by PASID.
  SortedMap<Integer, String> attached();

  /// The address spaces that the host's kernel has attached, by PASID: asked of the host, not of
  /// what keeps the books.
  ///
  /// With a virtual IOMMU, PASID 0 is there too, the function itself, and page tables have no names
  /// but `pass-through`, or what the guest's entry says: `first stage at 0x123000`.
  SortedMap<Integer, String> attachedOnHost();

  /// Takes the events since the last call, oldest first.
  List<Event> takeEvents();

  /// Lets a request to the host's kernel fail.
  ///
  /// @param every whether all of its kind fail from now on, or the next one
  /// @throws ImpossibleException if this machine's kernel is a real one
  void fail(Request request, Errno errno, boolean every);

  /// Lets the request after `number - 1` others fail, whatever it is; 0 takes that back.
  ///
  /// @return whether the request planned last has failed in the meantime
  /// @throws ImpossibleException if this machine's kernel is a real one
  boolean failNth(int number, Errno errno);

  /// The guest's way to its virtual IOMMU; empty if this machine has none, whatever
  /// [Setup#virtualIommu] says.
  default Optional<IommuPort> iommu() {
    return Optional.empty();
  }

  /// How many objects the host's kernel keeps for the function: page tables and what they stand on.
  ///
  /// @return empty if it does not tell
  default OptionalInt objectsOnHost() {
    return OptionalInt.empty();
  }

  /// How many bytes the host's page table of a PASID maps.
  ///
  /// @return empty if the host does not tell, or walks the guest's own page table
  default OptionalLong mappedOnHost(Pasid pasid) {
    return OptionalLong.empty();
  }

  @Override
  void close();

  /// The answer to a request.
  ///
  /// @param errno why it was refused; number 0 if it was not
  /// @param previous the address space that the PASID was attached to before; empty if to none
  /// @param text why, for people; empty if it was not refused
  record Answer(Errno errno, String previous, String text) {
    static final Errno OK = new Errno(0);

    /// It is done.
    ///
    /// @param previous the address space that the PASID was attached to before; empty if to none
    public static Answer done(String previous) {
      return new Answer(OK, previous, "");
    }

    /// It was refused.
    ///
    /// @param text why, for people
    public static Answer refused(Errno errno, String text) {
      return new Answer(errno, "", text);
    }

    /// True if it was not refused.
    public boolean isDone() {
      return errno.number() == 0;
    }
  }

  /// A request between two looks at what is attached, by PASID.
  ///
  /// @param before what the guest had been told before it, as [#attached] says
  /// @param answer what the request came to
  /// @param onHost what the host's kernel had after it, as [#attachedOnHost] says
  record Observed(
      SortedMap<Integer, String> before, Answer answer, SortedMap<Integer, String> onHost) {}

  /// Something that happened.
  ///
  /// @param kind what
  /// @param pasid the PASID that it happened to; 0 where it happened to the function
  record Event(EventKind kind, int pasid) {}

  /// The kinds of events.
  enum EventKind {
    /// A PASID was attached.
    ATTACHED,
    /// A PASID was moved to another address space.
    REPLACED,
    /// A PASID was detached.
    DETACHED,
    /// A request for a PASID was refused.
    REFUSED,
    /// The guest enabled PASIDs.
    ENABLED,
    /// The guest, or a reset, disabled PASIDs.
    DISABLED
  }
}
