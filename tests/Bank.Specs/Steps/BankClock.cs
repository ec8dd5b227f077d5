namespace Bank.Specs.Steps;

/// <summary>A clock that goes as it should, until somebody puts it forward.</summary>
internal sealed class BankClock : TimeProvider
{
    private long _ahead;

    public void PutForward(TimeSpan time) => Interlocked.Add(ref _ahead, time.Ticks);

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + new TimeSpan(Interlocked.Read(ref _ahead));
}
