package io.vpasid.guest.daemon;

import io.vpasid.guest.config.AddressSpaceConfig;
import io.vpasid.guest.config.DaemonConfigReader;
import io.vpasid.guest.config.TenantPart.Kind;
import io.vpasid.guest.control.ControlArguments;
import io.vpasid.guest.control.ControlCommand;
import io.vpasid.guest.control.ControlException;
import io.vpasid.guest.control.ControlTarget.Client;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import tools.jackson.databind.JsonNode;

/// The commands of the control socket that are about address spaces. Runs on the daemon's worker.
///
/// @param <S> an address space as the daemon has it
abstract sealed class SpaceCommands<S> permits DaemonSpaceCommands, IsolatedSpaceCommands {
  private final Belongings belongings;
  private final Consumer<String> functions;

  /// @param functions throws a [ControlException] if there is no function of a name
  SpaceCommands(Belongings belongings, Consumer<String> functions) {
    this.belongings = belongings;
    this.functions = functions;
  }

  abstract Optional<S> find(String name);

  abstract Optional<S> find(int handle);

  abstract int handle(S space);

  /// Makes an address space whose name and handle are free.
  ///
  /// @param arguments in which it is described
  abstract Reply.Space make(AddressSpaceConfig wanted, ControlArguments arguments);

  /// @param detach what is attached to it; without that, one in use is refused
  abstract Reply delete(S space, boolean detach);

  abstract List<Reply.Space> list();

  final Reply add(ControlArguments arguments, Client client) {
    AddressSpaceConfig wanted =
        DaemonConfigReader.readAddressSpace(
            arguments.json(), ControlCommand.ADDRESS_SPACE_ADD.title());
    wanted.functions().ifPresent(names -> names.forEach(functions));
    if (find(wanted.name()).isPresent()) {
      throw ControlException.generic("there is an address space '" + wanted.name() + "' already");
    }
    if (wanted.handle().flatMap(this::find).isPresent()) {
      throw ControlException.generic(
          "the handle " + wanted.handle().get() + " is another address space's; leave it out");
    }
    Reply.Space added = make(wanted, arguments);
    belongings.add(
        client,
        Kind.ADDRESS_SPACE,
        Integer.toString(added.handle()),
        () -> delete(added.handle(), false));
    return added;
  }

  final Reply delete(ControlArguments arguments) {
    return delete(handle(named(arguments)), arguments.flag("detach"));
  }

  private Reply delete(int handle, boolean detach) {
    Reply deleted = delete(find(handle).orElseThrow(), detach);
    belongings.deleted(Kind.ADDRESS_SPACE, Integer.toString(handle));
    return deleted;
  }

  /// The address space whose handle or name a client gives.
  final S named(ControlArguments arguments) {
    JsonNode asked = arguments.space("space");
    Optional<S> found =
        asked.isString()
            ? find(asked.stringValue())
            : asked.canConvertToInt() ? find(asked.intValue()) : Optional.empty();
    return found.orElseThrow(() ->
        ControlException.generic(
            "there is no address space %s; address-space-list tells which there are"
                .formatted(ControlArguments.printable(asked.toString()))));
  }
}
