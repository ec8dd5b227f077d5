using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Sequent.Bus.Sessions;

/// <summary>Puts a <see cref="SessionStream"/> below the WebSocket of a request.</summary>
internal sealed class SessionUpgrade(IHttpUpgradeFeature upgrade) : IHttpUpgradeFeature
{
    public bool IsUpgradableRequest => upgrade.IsUpgradableRequest;

    /// <summary>The stream, once the request is a WebSocket.</summary>
    public SessionStream? Stream { get; private set; }

    public async Task<Stream> UpgradeAsync() => Stream = new SessionStream(await upgrade.UpgradeAsync());

    /// <summary>Takes WebSocket requests, with such a stream below them.</summary>
    public static void Use(IApplicationBuilder pipeline)
    {
        pipeline.Use((HttpContext context, RequestDelegate next) =>
        {
            if (context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } upgrade)
                context.Features.Set<IHttpUpgradeFeature>(new SessionUpgrade(upgrade));
            return next(context);
        });
        pipeline.UseWebSockets();
    }

    /// <summary>The stream below the WebSocket of a request, or null if there is another one.</summary>
    public static SessionStream? StreamOf(HttpContext context) => (context.Features.Get<IHttpUpgradeFeature>() as SessionUpgrade)?.Stream;
}
