package io.vpasid.guest.vfiouser;

/// The commands of the protocol (specification, "Commands").
enum Command {
  /// Stands for every number that the specification does not have.
  UNKNOWN(0),
  VERSION(1),
  DMA_MAP(2),
  DMA_UNMAP(3),
  DEVICE_GET_INFO(4),
  DEVICE_GET_REGION_INFO(5),
  DEVICE_GET_REGION_IO_FDS(6),
  DEVICE_GET_IRQ_INFO(7),
  DEVICE_SET_IRQS(8),
  REGION_READ(9),
  REGION_WRITE(10),
  /// From server to client, as is the next.
  DMA_READ(11),
  DMA_WRITE(12),
  DEVICE_RESET(13),
  REGION_WRITE_MULTI(15),
  DEVICE_FEATURE(16),
  MIG_DATA_READ(17),
  MIG_DATA_WRITE(18);

  private static final Command[] BY_NUMBER = byNumber();

  private final int number;

  Command(int number) {
    this.number = number;
  }

  /// The number on the wire.
  int number() {
    return number;
  }

  /// The command with this number, 0 to 0xffff; [#UNKNOWN] if there is none.
  static Command of(int number) {
    return number < BY_NUMBER.length ? BY_NUMBER[number] : UNKNOWN;
  }

  /// True if descriptors may come with a request: the file of a window, the eventfds of interrupts.
  boolean takesDescriptors() {
    return this == DMA_MAP || this == DEVICE_SET_IRQS;
  }

  /// How a number reads in a message for people: `REGION_READ`, `command 99`.
  static String describe(int number) {
    Command command = of(number);
    return command == UNKNOWN ? "command " + number : command.name();
  }

  private static Command[] byNumber() {
    Command[] commands = new Command[MIG_DATA_WRITE.number + 1];
    java.util.Arrays.fill(commands, UNKNOWN);
    for (Command command : values()) {
      commands[command.number] = command;
    }
    return commands;
  }
}
