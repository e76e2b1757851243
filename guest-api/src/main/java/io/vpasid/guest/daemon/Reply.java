package io.vpasid.guest.daemon;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.vpasid.guest.control.ControlArgument;
import io.vpasid.guest.control.ControlCommand;
import io.vpasid.guest.control.ControlException;
import io.vpasid.guest.report.Json;
import io.vpasid.vmm.iommufd.Pasid;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The reply to a control command. The fields of these records are the keys of the JSON, in this
/// order; what is empty is left out. Functions and virtual IOMMUs have [FunctionReport] and
/// [IommuReport].
sealed interface Reply {

  /// No more than that it is done.
  record Done() implements Reply {
    static final Done DONE = new Done();
  }

  /// The version, as `query-version` returns it and the greeting has it. QMP tools look for `qemu`,
  /// the three numbers of the version, which here are those of this program.
  record Version(String vpasid, String java, Numbers qemu, @JsonProperty("package") String packaged)
      implements Reply {
    private static final Pattern NUMBERS = Pattern.compile("(\\d+)\\.(\\d+)\\.(\\d+).*");

    record Numbers(int major, int minor, int micro) {}

    static Version of(String version) {
      Matcher found = NUMBERS.matcher(version);
      return new Version(
          version,
          Runtime.version().toString(),
          found.matches()
              ? new Numbers(
                  Integer.parseInt(found.group(1)),
                  Integer.parseInt(found.group(2)),
                  Integer.parseInt(found.group(3)))
              : new Numbers(0, 0, 0),
          "vpasid " + version);
    }
  }

  /// A command, as `query-commands` lists it.
  record Command(String name, String description, List<Argument> arguments) implements Reply {
    record Argument(String name, String type, boolean optional, String description) {
      static Argument of(ControlArgument argument) {
        return new Argument(
            argument.name(), argument.kind().title(), !argument.required(), argument.description());
      }
    }

    static Command of(ControlCommand command) {
      return new Command(
          command.title(),
          command.description(),
          command.arguments().stream().map(Argument::of).toList());
    }
  }

  /// Limits of clients, and what is taken of them.
  ///
  /// @param limits of the configuration, by key
  record Limits(Map<String, Long> limits, OfProcess process) implements Reply {
    record OfProcess(Budget files, Budget bytes, Budget descriptors, Budget bars) {}

    record Budget(long most, long taken) {
      static Budget of(io.vpasid.vmm.linux.calls.Budget budget) {
        return new Budget(budget.most(), budget.taken());
      }
    }
  }

  /// The end of a function.
  ///
  /// @param released is there, and false, if its kernel or hardware takes long to give it back
  /// @param iommus is there if IOMMUs went with it, whose names it has
  record Removed(
      int detached,
      Optional<Integer> left,
      Optional<Boolean> released,
      Optional<List<String>> iommus)
      implements Reply {
    /// Of a function that was not served, as its tenant has no process.
    static final Removed NOTHING_SERVED =
        new Removed(0, Optional.empty(), Optional.empty(), Optional.empty());
  }

  /// A tenant whose functions have a process for themselves.
  ///
  /// @param starts how often it was started
  record Tenant(String tenant, String state, Optional<Long> pid, int starts, List<String> functions)
      implements Reply {
    static Tenant of(TenantProcess tenant) {
      return new Tenant(
          tenant.name(),
          Json.word(tenant.state()),
          tenant.pid(),
          tenant.timesStarted(),
          tenant.part().functions());
    }
  }

  /// An address space.
  ///
  /// @param functions the names of those that may use it
  /// @param attached PASIDs
  record Space(int handle, String name, List<String> functions, Optional<Integer> attached)
      implements Reply {}

  /// The end of an address space.
  record SpaceRemoved(int detached) implements Reply {}

  /// A PASID that was attached, or moved from `previous`; both are handles.
  record Attached(String function, long pasid, int space, Optional<Integer> previous)
      implements Reply {
    static Attached of(ServedFunction served, Pasid pasid, int space, Optional<Integer> previous) {
      return new Attached(served.name(), Integer.toUnsignedLong(pasid.value()), space, previous);
    }
  }

  /// A PASID that was detached, or was not attached.
  record Detached(String function, long pasid, boolean detached, Optional<Integer> space)
      implements Reply {
    static Detached of(
        ServedFunction served, Pasid pasid, boolean detached, Optional<Integer> space) {
      return new Detached(served.name(), Integer.toUnsignedLong(pasid.value()), detached, space);
    }
  }

  /// Attached PASIDs.
  ///
  /// @param more whether there are more than were asked for
  /// @param objects how many the kernel has for the function, if the kernel was asked
  record Attachments(List<One> attachments, boolean more, Optional<Integer> objects)
      implements Reply {
    /// @param firstStage in hexadecimal, the guest's page table that the kernel's is nested for
    /// @param mapped bytes that the kernel's page table maps, if it is not nested; both only if the
    ///   kernel was asked
    record One(
        String function,
        int pasid,
        Optional<Integer> space,
        Optional<String> name,
        Optional<String> firstStage,
        Optional<Long> mapped) {}
  }

  /// A register; offset and value in hexadecimal.
  record Register(String offset, int width, String value) implements Reply {}

  /// The number of planned failures that had not come yet.
  record Waiting(int waiting) implements Reply {}

  /// The outcome of reading the quirk files again.
  ///
  /// @param moved by the function's name
  record Reloaded(int quirks, Map<String, Moved> moved) implements Reply {
    record Moved(String is, String wouldBe) {}
  }

  /// The address of the page, with its token.
  record PageAddress(String address) implements Reply {
    /// @throws ControlException if there is no page
    static PageAddress of(ServingDaemon daemon) {
      return new PageAddress(
          daemon
              .page()
              .orElseThrow(() ->
                  ControlException.generic(
                      "there is no page; \"page\": {} in the configuration asks for one")));
    }
  }

  /// The metrics.
  record Text(String text) implements Reply {}
}
