using Bank.ServiceDefaults;
using Bank.Web.Api;
using Bank.Web.Components;
using Bank.Web.Live;
using Bank.Web.SignIn;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Components.Server.Circuits;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Diagnostics;

namespace Bank.Web;

/// <summary>The page a customer uses. It keeps nothing of its own: everything it shows, the services said.</summary>
public static class BankPage
{
    /// <summary>A service itself gives up after <see cref="BankService.RequestTimeout"/>, and says so.</summary>
    private static readonly TimeSpan Patience = BankService.RequestTimeout + TimeSpan.FromSeconds(2);

    // Scripts and styles only from here. Blazor's own note that the connection is lost styles itself.
    private const string ContentPolicy = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

    /// <param name="args">Configuration as on the command line, such as <c>--Users:Url=http://localhost:5005</c>.</param>
    /// <param name="configure">For a program that runs the page in its own process.</param>
    public static WebApplication Build(string[] args, Action<WebApplicationBuilder>? configure = null)
    {
        var builder = BankService.CreateHost("Bank.Web", "http://localhost:8080", args);
        builder.WebHost.UseStaticWebAssets(); // also where it runs as it was built, not published
        var services = builder.Services;
        services.AddRazorComponents().AddInteractiveServerComponents();
        services.AddCascadingAuthenticationState();
        services.AddSessionCookie();
        if (builder.Configuration["Keys"] is { Length: > 0 } folder)
            services.AddDataProtection().SetApplicationName("Bank.Web").PersistKeysToFileSystem(Directory.CreateDirectory(folder));

        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(ServiceAddresses.From(builder.Configuration));
        services.AddHttpClient<BankClient>(http => http.Timeout = Patience);
        services.AddTransient<Change>();
        services.AddScoped<Presence>();
        services.AddScoped<CircuitHandler>(provider => provider.GetRequiredService<Presence>());
        configure?.Invoke(builder);

        var app = builder.Build();
        app.UseExceptionHandler("/error", createScopeForErrors: true);
        app.UseStatusCodePagesWithReExecute("/status/{0}", createScopeForStatusCodePages: true);
        app.Use((context, next) =>
        {
            context.Response.Headers.ContentSecurityPolicy = ContentPolicy;
            context.Response.Headers.XContentTypeOptions = "nosniff";
            if (HttpMethods.IsPost(context.Request.Method) && context.Features.Get<IStatusCodeReExecuteFeature>() is not null)
                context.Request.Method = HttpMethods.Get; // the page that says why a form was refused is not refused for the same
            return next(context);
        });
        app.UseAuthentication();
        app.UseAuthorization();
        app.UseAntiforgery();
        app.Use((context, next) =>
        {
            if (!HttpMethods.IsPost(context.Request.Method) || context.Features.Get<IAntiforgeryValidationFeature>() is not { IsValid: false })
                return next(context);
            context.Response.StatusCode = StatusCodes.Status400BadRequest; // a component would say the same, but in a way that leaves no room for the page about it
            return Task.CompletedTask;
        });
        app.MapHealth();
        app.MapStaticAssets();
        app.MapSessions();
        app.MapRazorComponents<App>().AddInteractiveServerRenderMode(o => o.ContentSecurityFrameAncestorsPolicy = null);
        return app;
    }
}
