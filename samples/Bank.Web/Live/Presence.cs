using Microsoft.AspNetCore.Components.Server.Circuits;

namespace Bank.Web.Live;

/// <summary>Whether the browser is connected: a closed lid ends no page at once, but where nobody is, nobody needs be asked.</summary>
public sealed class Presence : CircuitHandler
{
    private readonly List<CustomerView> _views = [];
    private bool _isAway;

    /// <summary>Lets it ask only while the browser is there.</summary>
    public void Follow(CustomerView view)
    {
        lock (_views)
        {
            _views.Add(view);
            view.IsPaused = _isAway;
        }
    }

    public void Forget(CustomerView view)
    {
        lock (_views)
            _views.Remove(view);
    }

    public override Task OnConnectionUpAsync(Circuit circuit, CancellationToken cancellationToken) => Set(isAway: false);

    public override Task OnConnectionDownAsync(Circuit circuit, CancellationToken cancellationToken) => Set(isAway: true);

    private Task Set(bool isAway)
    {
        lock (_views)
        {
            _isAway = isAway;
            _views.ForEach(view => view.IsPaused = isAway);
        }

        return Task.CompletedTask;
    }
}
