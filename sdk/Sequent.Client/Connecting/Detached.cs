namespace Sequent.Client.Connecting;

/// <summary>Starts loops that outlive whoever happens to need them first, and so take nothing over from there: neither its trace nor its unit.</summary>
internal static class Detached
{
    public static Task Run(Func<Task> loop)
    {
        if (ExecutionContext.IsFlowSuppressed())
            return Task.Run(loop);
        using (ExecutionContext.SuppressFlow())
            return Task.Run(loop);
    }
}
