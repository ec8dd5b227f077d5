using Sequent.Bus;
using Sequent.Client;

namespace Sequent.Testing;

/// <summary>How a test bus works. Checked once, when it is started; do not change it after that.</summary>
public sealed class SequentTestBusOptions
{
    /// <summary>
    /// The clock of the bus moves only by <see cref="SequentTestBus.Time"/>, apart from while the bus stops: back-offs and deadlines last until the
    /// test lets them end. Default: false, it also moves along with real time.
    /// </summary>
    public bool FreezeTime { get; set; }

    /// <summary>
    /// How long the test bus waits for anything, in real time: more than zero, at most 1 h. <see cref="SequentTestBus.Patience"/> can change it later.
    /// Default: 10 s.
    /// </summary>
    public TimeSpan Patience { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The options of the bus itself. What concerns files (<see cref="SequentBusOptions.DataFile"/>, <see cref="SequentBusOptions.Durability"/>,
    /// <see cref="SequentBusOptions.FreeSpaceMargin"/>) has no effect: the log is in memory. Default: those of a bus, but a
    /// <see cref="SequentBusOptions.DrainTime"/> of 1 s.
    /// </summary>
    public SequentBusOptions Bus { get; } = new() { DataFile = null, DrainTime = TimeSpan.FromSeconds(1) };

    /// <summary>
    /// Sets options of every client that is created through the bus, its own included, before anything else does: the event types of the test and
    /// how they are turned into JSON. Default: nothing.
    /// </summary>
    public Action<SequentOptions>? ConfigureClients { get; set; }
}
