namespace Sequent.Bus.Tests.Simulation;

/// <summary>What goes wrong in a run, and what is done to it that does not happen by itself.</summary>
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
    CommitsForgotten,
    Nack,
    DeadLetterAskedFor,
    DeadLetterOfFailures,
    DeadLetterOfLosses,
    Loss,
    AckDeadlinePassed,
    Extend,
    RegisteredAgain,
    Unregister,
    UnregisterWithDrain,
    Kick,
    Redrive,
    OldAck,
    OldClientThatNeverAcks,
}

/// <summary>Draws faults and counts those that fire.</summary>
internal sealed class Faults(Random random)
{
    public int[] Fired { get; } = new int[Enum.GetValues<Fault>().Length];

    /// <summary>In percent of the chances; 0: nothing goes wrong.</summary>
    public int StorePercent { get; set; }

    /// <summary>Reads are among what fails.</summary>
    public bool ReadsFail { get; init; } = true;

    public bool Strikes(Fault fault, int percent) => StorePercent > 0 && (ReadsFail || fault != Fault.ReadFails) && random.Next(100) < percent * StorePercent / 100 && Note(fault);

    public bool Note(Fault fault)
    {
        Fired[(int)fault]++;
        return true;
    }
}
