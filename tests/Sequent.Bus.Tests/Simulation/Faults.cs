namespace Sequent.Bus.Tests.Simulation;

/// <summary>What goes wrong in a run.</summary>
internal enum Fault
{
    AppendFails,
    CommitUnknownStored,
    CommitUnknownLost,
    RecoveryFails,
    ReadFails,
    SaveFails,
    SlowCommit,
    Crash,
    CommitLostInCrash,
    CommitKeptInCrash,
    CleanRestart,
    BrokenSession,
    Goodbye,
    SlowReader,
    ClockStepsBack,
    ClockJumps,
}

/// <summary>Draws faults and counts those that fire.</summary>
internal sealed class Faults(Random random)
{
    public int[] Fired { get; } = new int[Enum.GetValues<Fault>().Length];

    /// <summary>In percent of the chances; 0: nothing goes wrong.</summary>
    public int StorePercent { get; set; }

    public bool Strikes(Fault fault, int percent) => StorePercent > 0 && random.Next(100) < percent * StorePercent / 100 && Note(fault);

    public bool Note(Fault fault)
    {
        Fired[(int)fault]++;
        return true;
    }
}
